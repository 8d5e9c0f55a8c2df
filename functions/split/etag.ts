// Conditional requests: whether a caller already has what a response would send.

/** Returns whether an `If-None-Match` contains `etag`; the weak form counts too (RFC 9110, section 13.1.2). */
export function namesTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((each) => ['*', etag, `W/${etag}`].includes(each.trim()));
}
