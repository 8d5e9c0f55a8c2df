// The header that tells a client the file name for a result (RFC 6266).

/** Characters that `encodeURIComponent` leaves unchanged but RFC 8187 escapes. */
const TO_ESCAPE = /['()*]/g;

/**
 * Returns `Content-Disposition` for a file with the last name of `path`. Clients that know RFC 8187, such as
 * browsers, read the name from `filename*`. curl only reads `filename` and saves its bytes unchanged, so that
 * has the UTF-8 bytes too, each as a Latin-1 character.
 */
export function contentDisposition(path: string): string {
  const quotable = lastNameOf(path).replaceAll(/["\\]/g, '_');
  return `inline; filename="${Buffer.from(quotable).toString('latin1')}"; ${encodedName(path)}`;
}

/** Returns the same without the part for curl, in ASCII. */
export function asciiContentDisposition(path: string): string {
  return `inline; ${encodedName(path)}`;
}

function encodedName(path: string): string {
  const encoded = encodeURIComponent(lastNameOf(path)).replaceAll(
    TO_ESCAPE,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `filename*=UTF-8''${encoded}`;
}

function lastNameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
