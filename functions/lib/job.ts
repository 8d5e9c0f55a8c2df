// A job is the message for one tile: `<imageId>:<tile>`, the text that travels on the queue.

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

/** Whether `text` has the form of an image's id: 24 hexadecimal digits. */
export function isImageId(text: string): boolean {
  return IMAGE_ID.test(text);
}
