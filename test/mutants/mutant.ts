// A planted fault: one place in one file of the queue, changed to be wrong.

export interface Mutant {
  /** What the fault is. */
  name: string;
  /** The file it is planted in, in functions/lib/queue. */
  file: string;
  /** The text it replaces; it must be there exactly once. */
  find: string;
  /** '' removes the text. */
  replace: string;
  /** What it would cause. */
  why: string;
}

/**
 * Returns the file's text with the fault in it. Throws an Error if it cannot be planted because the file has
 * changed.
 */
export function plant({ name, file, find, replace }: Mutant, text: string): string {
  const places = text.split(find).length - 1;
  if (places !== 1)
    throw new Error(`"${name}" does not apply: its text is ${places} times in ${file}, not once`);
  return text.replace(find, () => replace);
}
