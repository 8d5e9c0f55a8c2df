// The type of a body, as its sender declares it.

/** Returns the media type of a request's body in lower case, without parameters; '' if there is none. */
export function mediaTypeOf(headers: { 'content-type'?: unknown }): string {
  const { 'content-type': contentType } = headers;
  if (typeof contentType !== 'string') return '';
  return contentType.split(';', 1)[0].trim().toLowerCase();
}
