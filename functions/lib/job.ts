// A job is the message for one tile: `<imageId>:<tile>`. On the queue it also carries the life of its image,
// `<imageId>:<tile>:<life>`, to distinguish it from jobs of an earlier, ended life of the same image.

export interface Job {
  imageId: string;
  /** The tile's number in the image's grid, from 0. */
  tile: number;
}

const JOB = /^([0-9a-f]{24}):(0|[1-9]\d*)$/;
const IMAGE_ID = /^[0-9a-f]{24}$/;

export function formatJob(job: Job): string {
  return `${job.imageId}:${job.tile}`;
}

/** Returns the job in a message, or null if there is none. */
export function parseJob(message: string): Job | null {
  const match = JOB.exec(message);
  return match ? { imageId: match[1], tile: Number(match[2]) } : null;
}

/** Returns the job and the life in an entry of the queue, or null if it is not an entry. */
export function parseEntry(entry: string): { job: Job; life: string } | null {
  const [, message, life] = /^(.*):(\d+)$/.exec(entry) ?? [];
  const job = message === undefined ? null : parseJob(message);
  return job && { job, life };
}

/** Returns whether `text` has the form of an image id: 24 hexadecimal digits. */
export function isImageId(text: string): boolean {
  return IMAGE_ID.test(text);
}
