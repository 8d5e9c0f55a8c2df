// The status record of an image: a hash in Redis, which begin.lua writes and the other scripts change.
import { PNG } from '../image/format.ts';

export type ImageState = 'splitting' | 'blurring' | 'blurred' | 'done' | 'failed' | 'cancelled';

/** What split knows about an image when it starts it. Sizes in pixels. */
export interface ImagePlan {
  name: string;
  width: number;
  height: number;
  tileSizePx: number;
  /** Its filter with all values: lib/filters/recipe.ts. */
  recipe: string;
  /** The format of its result: lib/image/format.ts. By default a PNG. */
  format?: string;
  /** Number of tiles. */
  tiles: number;
  /** The name of its result in the store. */
  output: string;
  /** Who owns the image; '' if nobody does. */
  owner: string;
  /** The span that its other spans belong to (tracing/spans.ts). Absent or '' if it is not traced. */
  trace?: string;
  /** Whether it is one of the stored inputs, and `name` is its path there. */
  isStored?: boolean;
}

/** The status record of an image. Times are milliseconds since the epoch. */
export interface ImageRecord extends ImagePlan {
  format: string;
  id: string;
  trace: string;
  state: ImageState;
  /** Tiles done. */
  done: number;
  /** Claims of all its tiles together, without released ones. */
  attempts: number;
  /** Leases that expired before their tile was acked. */
  reclaims: number;
  /** Acks that were refused because another claim had the tile by then. */
  fenced: number;
  /** Times its event was sent. */
  announced: number;
  createdAt: number;
  blurredAt: number | null;
  endedAt: number | null;
  /** Why it failed, or what keeps it from being done. */
  error: string | null;
  /** Why the result of a done image is gone, if that is known. */
  gone: 'expired' | 'room' | 'deleted' | null;
}

/**
 * Returns the fields of a record for `plan`. If the result is not a PNG, the field of the tile size has another name.
 * A release that does not know formats then finds no tile size and fails, instead of writing a PNG under the name of a JPEG.
 */
export function fieldsOf({
  tileSizePx,
  format = PNG,
  ...plan
}: Omit<ImagePlan, 'isStored' | 'trace'>): Record<string, string | number> {
  return format === PNG ? { ...plan, tileSizePx } : { ...plan, format, tileSidePx: tileSizePx };
}

/** Returns the record of image `id` in the fields of its hash. `done`: its tiles that are done, if it is in progress. */
export function recordOf(id: string, fields: Record<string, string>, done: number): ImageRecord {
  const number = (name: string) => Number(fields[name] ?? 0);
  const state = fields.state as ImageState;
  return {
    id,
    name: fields.name,
    isStored: fields.isStored === '1',
    width: number('width'),
    height: number('height'),
    tileSizePx: number('tileSizePx') || number('tileSidePx'),
    format: fields.format ?? PNG,
    recipe: fields.recipe ?? fields.kernelSize ?? '',
    tiles: number('tiles'),
    state,
    done: state === 'done' ? number('tiles') : done,
    attempts: number('attempts'),
    reclaims: number('reclaims'),
    fenced: number('fenced'),
    announced: number('announced'),
    createdAt: number('createdAt'),
    blurredAt: fields.blurredAt ? number('blurredAt') : null,
    endedAt: fields.endedAt ? number('endedAt') : null,
    error: fields.error ?? null,
    gone: (fields.gone ?? null) as ImageRecord['gone'],
    output: fields.output ?? '',
    owner: fields.owner ?? '',
    trace: fields.trace ?? '',
  };
}
