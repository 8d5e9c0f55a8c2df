// node:http for programs that start often. An `import` of node:http reads everything that it exports, and some of that
// loads undici, Node's implementation of fetch, which takes about a fifth of the start.
export const { createServer, request, STATUS_CODES } = process.getBuiltinModule('node:http');
