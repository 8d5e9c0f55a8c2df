// A planted fault: one place in one file of the queue, said wrongly.

export interface Mutant {
  /** What the fault is. */
  name: string;
  /** The file it is planted in, in functions/lib/queue. */
  file: string;
  /** The text it replaces; it must be there exactly once. */
  find: string;
  /** '' leaves the text out. */
  replace: string;
  /** What would come of it. */
  why: string;
}

/** The file's text with the fault in it. Throws an Error when it cannot be planted: the file has changed. */
export function plant({ name, file, find, replace }: Mutant, text: string): string {
  const places = text.split(find).length - 1;
  if (places !== 1)
    throw new Error(`"${name}" does not apply: its text is ${places} times in ${file}, not once`);
  return text.replace(find, () => replace);
}
