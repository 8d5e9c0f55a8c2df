// The header that tells a client under which name to save a result (RFC 6266).

/** What `encodeURIComponent` leaves as it is and RFC 8187 does not. */
const TO_ESCAPE = /['()*]/g;

/**
 * `Content-Disposition` for a file called like the last name of `path`. Browsers and others who know RFC 8187 read the
 * name from `filename*`. curl reads `filename` alone and saves its bytes as they are, so it carries the UTF-8 bytes too,
 * each as the Latin-1 letter that stands for it in a header.
 */
export function contentDisposition(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const quotable = name.replaceAll(/["\\]/g, '_');
  const encoded = encodeURIComponent(name).replaceAll(
    TO_ESCAPE,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `inline; filename="${Buffer.from(quotable).toString('latin1')}"; filename*=UTF-8''${encoded}`;
}
