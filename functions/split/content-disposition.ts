// The header that tells a client the file name for a result (RFC 6266).

/** Characters that `encodeURIComponent` leaves unchanged but RFC 8187 escapes. */
const TO_ESCAPE = /['()*]/g;

/**
 * Returns `Content-Disposition` for a file with the last name of `path`. Clients that know RFC 8187, such as
 * browsers, read the name from `filename*`. curl only reads `filename` and saves its bytes unchanged, so that
 * has the UTF-8 bytes too, each as a Latin-1 character.
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
