// The answers of split's API that the page uses.

export type ImageState = 'splitting' | 'blurring' | 'blurred' | 'done' | 'failed' | 'cancelled';

/** An entry of `GET /images`, and the answer of `POST /`. */
export interface ListedImage {
  id: string;
  name: string;
  width: number;
  height: number;
  tiles: number;
  status: ImageState;
}

/** The answer of `GET /images/<id>`. */
export interface ImageView extends ListedImage {
  filter: string;
  kernel?: number;
  amount?: number;
  format: string;
  tileSize: number;
  done: number;
  reclaims: number;
  error: string | null;
  ms: number | null;
  output: string | null;
  result: string | null;
}

/** The answer of `GET /images/<id>/tiles`: one character for each tile, row by row. */
export interface TilesView {
  id: string;
  columns: number;
  rows: number;
  status: ImageState;
  tiles: string;
}

export interface WorkerView {
  id: string;
  since: string;
  inFlight: number;
  done: number;
  state: 'up' | 'lost';
}

/** The answer of `GET /queue`. */
export interface QueueView {
  queued: number;
  inFlight: number;
  delayed: number;
  outbox: number;
  dead: number;
  /** Images that have not ended. */
  images: number;
  /** How often an image was started so far. */
  begun: number;
  workers: WorkerView[];
}

export interface DeadLetter {
  /** The image's id. */
  id: string;
  name: string;
  /** Null for the image's event, which was given up. */
  tile: number | null;
  reason: string;
  since: string;
}

export function hasEnded(status: ImageState): boolean {
  return status === 'done' || status === 'failed' || status === 'cancelled';
}
