#!/usr/bin/env node
// The command `tessera`: in a clone, where it installs what is missing first, and in the package that `npm pack` makes.
import { isNodeNewEnough } from './lib/node-version.mjs';

// Loaded only then: an older Node could not read it.
if (isNodeNewEnough(20, 11))
  void import('./lib/launch.mjs').then(({ launch }) => launch(process.argv.slice(2)));
