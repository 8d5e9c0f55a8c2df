// Malicious requests, each with the status and the problem code that split must return.

export interface HostileRequest {
  name: string;
  method: string;
  /** The target as it is in the request line. */
  target: string;
  headers?: Record<string, string>;
  body?: string;
  status: number;
  code: string | null;
}

const ID = '0123456789abcdef01234567';
const JSON_TYPE = { 'content-type': 'application/json' };

type Row = [name: string, method: string, target: string, status: number, code: string | null];

const targets: Row[] = [
  ['the list', 'GET', '/images', 200, null],
  ['the list without a body', 'HEAD', '/images', 200, null],
  ['what may be done with the list', 'OPTIONS', '/images', 204, null],
  ['what may be done here', 'OPTIONS', '/', 204, null],
  ...['GET', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'].map((method): Row => [
    `${method} /`,
    method,
    '/',
    405,
    'method-not-allowed',
  ]),
  ...['POST', 'PUT', 'DELETE', 'PATCH'].map((method): Row => [
    `${method} /images`,
    method,
    '/images',
    405,
    'method-not-allowed',
  ]),
  ...['POST', 'PUT', 'PATCH'].map((method): Row => [
    `${method} an image`,
    method,
    `/images/${ID}`,
    405,
    'method-not-allowed',
  ]),
  ...['POST', 'DELETE'].map((method): Row => [
    `${method} a result`,
    method,
    `/images/${ID}/result`,
    405,
    'method-not-allowed',
  ]),
  ...['GET', 'HEAD', 'DELETE'].map((method): Row => [
    `${method} an unknown image`,
    method,
    `/images/${ID}`,
    404,
    'not-found',
  ]),
  ['an unknown result', 'GET', `/images/${ID}/result`, 404, 'not-found'],
  ...[
    '//',
    '//x',
    '/x',
    '/images/',
    '/images//',
    '/images//x',
    `/images/${ID}/`,
    `/images/${ID}/result/`,
    `/images/${ID}/result/x`,
    `/images/${ID}//result`,
    `/images/${ID.toUpperCase()}`,
    `/images/${ID}0`,
    `/images/${ID.slice(1)}`,
    '/images/..',
    '/images/../images',
    '/images/%2e%2e',
    '/images/..%2f..%2fetc%2fpasswd',
    '/images/%00',
    `/images/${ID}%00`,
    `/images/${ID}%2fresult`,
    '/IMAGES',
    '/.git/config',
    '/health',
    '/metrics',
    '/index.php',
    `/${'a'.repeat(4000)}`,
    `/images/${'a'.repeat(4000)}`,
    '/'.repeat(4000),
  ].map((target): Row => [`nothing at ${target.slice(0, 60)}`, 'GET', target, 404, 'not-found']),
  ...['?name=x', '?kernel=3', '?x', '?name[]=x', '?__proto__=x'].map((query): Row => [
    `a parameter the list does not know, ${query}`,
    'GET',
    `/images${query}`,
    400,
    'invalid-request',
  ]),
];

/** Queries of an upload. */
const queries: [query: string, code: string][] = [
  ...['', '0', '2', '-1', '257', '1e1', '0x5', '5.0', ' 5', '５', 'NaN', '9'.repeat(3000)].map(
    (kernel): [string, string] => [`kernel=${encodeURIComponent(kernel)}`, 'invalid-kernel'],
  ),
  ['kernel=3&kernel=5', 'invalid-kernel'],
  ...[
    '',
    'Sharpen',
    'emboss',
    '__proto__',
    'toString',
    '15',
    'sharpen:9:1',
    'sharpen\0',
    'x'.repeat(3000),
  ].map((filter): [string, string] => [`filter=${encodeURIComponent(filter)}`, 'invalid-filter']),
  ...['', '0', '-1', '10.01', '1.005', '1e1', '0x1', ' 1', '１', 'NaN', 'Infinity', '1'.repeat(3000)].map(
    (amount): [string, string] => [`filter=sharpen&amount=${encodeURIComponent(amount)}`, 'invalid-filter'],
  ),
  ['filter=sharpen&filter=sharpen', 'invalid-filter'],
  ['filter=sharpen&amount=1&amount=1', 'invalid-filter'],
  ['filter=sharpen&kernel=4', 'invalid-kernel'],
  ['filter[]=sharpen', 'invalid-request'],
  ['filter=sharpen&radius=3', 'invalid-request'],
  ['filter=blur&amount=1', 'invalid-request'],
  ['kernel[]=3', 'invalid-request'],
  ['kernel[a]=3', 'invalid-request'],
  ['constructor=1', 'invalid-request'],
  [`${'a'.repeat(3000)}=1`, 'invalid-request'],
  [Array.from({ length: 500 }, (_, i) => `p${i}=1`).join('&'), 'invalid-request'],
  ...[
    '',
    '.',
    '..',
    'a/b',
    '../x',
    '/etc/passwd',
    '.hidden',
    'a\0b',
    'a\nb',
    '\u001b[31m',
    'x'.repeat(300),
    '\u{1f600}'.repeat(80),
  ].map((name): [string, string] => [`name=${encodeURIComponent(name)}`, 'invalid-name']),
  ['name=a&name=b', 'invalid-name'],
  ['name=%ff%fe', 'invalid-name'],
];

/** JSON bodies. */
const bodies: [body: string, code: string, status: number][] = [
  ['', 'invalid-request', 400],
  ['{', 'invalid-request', 400],
  ['null', 'invalid-request', 400],
  ['[]', 'invalid-request', 400],
  ['"x"', 'invalid-request', 400],
  ['1e400', 'invalid-request', 400],
  ['{"input":5}', 'invalid-request', 400],
  ['{"input":null}', 'invalid-request', 400],
  ['{"input":["a"]}', 'invalid-request', 400],
  ['{"input":{"a":1}}', 'invalid-request', 400],
  ['{"path":"a"}', 'invalid-request', 400],
  ['{"__proto__":{"input":"a"}}', 'invalid-request', 400],
  ['{"constructor":1}', 'invalid-request', 400],
  ['{"input":"a","input":"b"}', 'invalid-request', 400],
  ['{"kernel":"x"}', 'invalid-kernel', 400],
  ['{"kernel":1e300}', 'invalid-kernel', 400],
  ['{"kernel":3.5}', 'invalid-kernel', 400],
  ['{"kernel":[3]}', 'invalid-kernel', 400],
  ['{"filter":"emboss"}', 'invalid-filter', 400],
  ['{"filter":["sharpen"]}', 'invalid-filter', 400],
  ['{"filter":{"toString":"sharpen"}}', 'invalid-filter', 400],
  ['{"filter":"sharpen","amount":1e300}', 'invalid-filter', 400],
  ['{"filter":"sharpen","amount":{"a":1}}', 'invalid-filter', 400],
  ['{"filter":"sharpen","amount":"1","amount":"1"}', 'invalid-request', 400],
  ['{"amount":1}', 'invalid-request', 400],
  ['{"input":"../../etc/passwd"}', 'invalid-name', 400],
  ['{"input":"/etc/passwd"}', 'invalid-name', 400],
  ['{"input":"a//b"}', 'invalid-name', 400],
  ['{"input":"a/../../b"}', 'invalid-name', 400],
  ['{"input":"\\u0000"}', 'invalid-name', 400],
  [`{"input":"${'/'.repeat(60_000)}x"}`, 'invalid-name', 400],
  [`{"input":"${'a/'.repeat(30_000)}x"}`, 'invalid-name', 400],
  ['['.repeat(60_000), 'invalid-request', 400],
  [`{"input":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, 'invalid-request', 400],
  [`{${Array.from({ length: 5000 }, (_, i) => `"f${i}":1`).join(',')}}`, 'invalid-request', 400],
  ['{"input":"nothing.png"}', 'not-found', 404],
  [`{"input":"${'x'.repeat(100_000)}"}`, 'body-too-large', 413],
  [`[${'{},'.repeat(1_000_000)}{}]`, 'body-too-large', 413],
];

/** Content types and encodings of a small text. */
const types: [headers: Record<string, string>, code: string][] = [
  [{ 'content-type': 'multipart/form-data; boundary=x' }, 'unsupported-image'],
  [{ 'content-type': 'text/html' }, 'unsupported-image'],
  [{ 'content-type': 'application/pdf' }, 'unsupported-image'],
  [{ 'content-type': 'image/heic' }, 'unsupported-image'],
  [{ 'content-type': 'IMAGE/PNG' }, 'unsupported-image'],
  [{ 'content-type': 'a'.repeat(3000) }, 'unsupported-image'],
  [{ 'content-encoding': 'gzip' }, 'unsupported-encoding'],
  [{ 'content-encoding': 'br, gzip' }, 'unsupported-encoding'],
  [{ 'content-encoding': 'x'.repeat(3000) }, 'unsupported-encoding'],
];

/** All of them. */
export const hostileRequests: HostileRequest[] = [
  ...targets.map(([name, method, target, status, code]) => ({ name, method, target, status, code })),
  ...queries.map(([query, code]) => ({
    name: `an upload with ${query.slice(0, 60)}`,
    method: 'POST',
    target: `/?${query}`,
    body: 'hello',
    status: 400,
    code,
  })),
  ...bodies.map(([body, code, status]) => ({
    name: `the JSON ${body.slice(0, 60)}`,
    method: 'POST',
    target: '/',
    headers: JSON_TYPE,
    body,
    status,
    code,
  })),
  ...types.map(([headers, code]) => ({
    name: `a text with ${JSON.stringify(headers).slice(0, 60)}`,
    method: 'POST',
    target: '/',
    headers,
    body: 'hello',
    status: 415,
    code,
  })),
];
