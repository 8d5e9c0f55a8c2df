// Starts the page that a browser shows.
import { effect } from '@preact/signals';
import { render } from 'preact';
import { App } from './app.tsx';
import { hurry } from './uploads.ts';
import { link, startWatching } from './watch.ts';

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
startWatching();
effect(() => {
  if (link.value === 'up') hurry();
});
