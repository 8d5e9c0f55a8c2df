// A job is the message for one tile: `<imageId>:<tile>`. On the queue it travels with the life of its image, which tells
// it from the jobs of the same image when that was begun before and has ended: `<imageId>:<tile>:<life>`.

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

/** The job a message stands for, or null when the message is none. */
export function parseJob(message: string): Job | null {
  const match = JOB.exec(message);
  return match ? { imageId: match[1], tile: Number(match[2]) } : null;
}

/** The job and the life of an entry on the queue, or null when it is none. */
export function parseEntry(entry: string): { job: Job; life: string } | null {
  const [, message, life] = /^(.*):(\d+)$/.exec(entry) ?? [];
  const job = message === undefined ? null : parseJob(message);
  return job && { job, life };
}

/** Whether `text` has the form of an image's id: 24 hexadecimal digits. */
export function isImageId(text: string): boolean {
  return IMAGE_ID.test(text);
}
