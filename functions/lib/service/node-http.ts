// node:http for programs that start often. An `import` of node:http reads everything that it exports, and some of that
// loads undici, Node's implementation of fetch, which takes about a fifth of the start.
export const { createServer, request, STATUS_CODES } = process.getBuiltinModule('node:http');

/** Returns the `request` that a URL needs: that of node:http or of node:https. */
export async function requestFor(url: string | URL): Promise<typeof request> {
  return new URL(url).protocol === 'https:' ? (await import('node:https')).request : request;
}
