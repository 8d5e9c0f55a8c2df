// Opens an address in the user's browser, for `tessera --serve --open`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Returns the command that opens an address on this kind of system. */
export function openCommand(platform: NodeJS.Platform, url: string): [command: string, ...args: string[]] {
  if (platform === 'darwin') return ['open', url];
  // `start` takes its first quoted argument for a title.
  if (platform === 'win32') return ['cmd', '/c', 'start', '""', url];
  return ['xdg-open', url];
}

/** Asks the system to open `url`. Returns whether there is a command for that; it does not wait for the browser. */
export async function openBrowser(url: string, platform = process.platform): Promise<boolean> {
  const [command, ...args] = openCommand(platform, url);
  const child = spawn(command, args, { stdio: 'ignore', detached: true });
  try {
    await once(child, 'spawn');
  } catch {
    return false; // Typically there is no such command, as on a server.
  }
  child.unref();
  return true;
}
