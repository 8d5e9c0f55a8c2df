// What a body is, as its sender says.

/** The media type of a request's body in lower case, without parameters; '' when it names none. */
export function mediaTypeOf(headers: { 'content-type'?: unknown }): string {
  const { 'content-type': contentType } = headers;
  if (typeof contentType !== 'string') return '';
  return contentType.split(';', 1)[0].trim().toLowerCase();
}
