// Says in one sentence that this Node is too old. It runs first, so it uses only syntax that very old versions can read.

/** Whether this Node is at least `major.minor`. If not, it says so, and the process will exit with 1. */
export function isNodeNewEnough(major, minor) {
  const [ownMajor, ownMinor] = process.versions.node.split('.').map(Number);
  if (ownMajor > major || (ownMajor === major && ownMinor >= minor)) return true;
  console.error(`Tessera needs Node ${major}.${minor} or later; this is Node ${process.versions.node}.`);
  process.exitCode = 1;
  return false;
}
