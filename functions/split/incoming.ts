// Checks an image that comes in, before Redis knows of it, and works out its id, its plan and the memory that it needs.
import type { Config } from '../lib/config.ts';
import { parseRecipe } from '../lib/filters/recipe.ts';
import { parseFormat, PNG, type ResultFormat } from '../lib/image/format.ts';
import { resultSegments } from '../lib/image/jpeg/segments.ts';
import { ancillaryChunks } from '../lib/image/png/appearance.ts';
import { readHeader, type ImageHeader } from '../lib/image/read.ts';
import { tileCount, type TileGrid } from '../lib/image/tile-grid.ts';
import type { ImagePlan } from '../lib/queue/image-record.ts';
import type { Admission } from '../lib/queue/image-room.ts';
import { RECORD_BYTES } from '../lib/queue/record-bytes.ts';
import { allocatedBytes } from '../lib/redis/allocated-bytes.ts';
import { outputName } from '../lib/store/output-names.ts';
import type { Results } from '../lib/store/results.ts';
import type { Caller } from './callers.ts';
import { imageId } from './image-id.ts';
import { assertFormat, assertShare, assertTiles } from './image-limits.ts';
import { filesBytes, tilesBytes, type StoresMemory } from './memory.ts';
import { assertPixelsPerByte } from './pixel-limit.ts';
import { gridOf, TILES_IN_FLIGHT } from './send-tiles.ts';

/** An image as somebody sends it. */
export interface SentImage {
  name: string;
  recipe: string;
  bytes: Uint8Array;
  caller: Caller;
  /** The format of the result: lib/image/format.ts. By default a PNG. */
  format?: string;
  /** The name of the result; by default made from the image's name. */
  output?: string;
  /** Whether the image is one of the stored inputs. */
  isStored?: boolean;
}

/** An image that has been checked, but is not in the ledger yet. */
export interface Incoming {
  id: string;
  plan: ImagePlan;
  admission: Required<Admission>;
  /** What the result holds besides its pixels, ready to be copied into the file. */
  ancillary: Uint8Array;
  bytes: Uint8Array;
  header: ImageHeader;
}

export interface IncomingParts {
  config: Config;
  stores: StoresMemory & { results: Pick<Results, 'placeOf'> };
}

/** Returns what the ledger needs to know about an image. Throws a {@link Problem} for an image that is never accepted. */
export async function checkImage(sent: SentImage, { config, stores }: IncomingParts): Promise<Incoming> {
  const { name, recipe, bytes, caller, format = PNG } = sent;
  const header = readHeader(bytes, config);
  assertPixelsPerByte(header, bytes.length, config.pixelsPerByte);
  const resultFormat = parseFormat(format);
  assertFormat(header, resultFormat);
  const grid = gridOf(header, config.tileSizePx, recipe);
  assertTiles(grid, config.maxTiles);
  const id = await imageId({ name, recipe, format, owner: caller.owner }, bytes);
  const ancillary = await ancillaryOf(id, header, resultFormat);
  const files = { header, uploadBytes: bytes.length, ancillaryBytes: ancillary.length, format: resultFormat };
  const admission = {
    bytes:
      RECORD_BYTES +
      tilesBytes(grid, header, 2 * TILES_IN_FLIGHT) +
      allocatedBytes(ancillary.length) +
      filesBytes(files, stores),
    budgetBytes: config.redisBudgetBytes,
    client: { name: caller.name, budgetBytes: Math.floor(config.redisBudgetBytes * config.clientShare) },
  };
  assertShare(admission, config);
  const file = sent.output ?? outputName(name, parseRecipe(recipe).filter, resultFormat.name);
  const output = stores.results.placeOf(id, caller.owner === null ? file : `${caller.owner}/${file}`);
  const plan = planOf(sent, format, grid, output);
  return { id, plan, admission, ancillary, bytes, header };
}

async function ancillaryOf(
  id: string,
  { appearance }: ImageHeader,
  format: ResultFormat,
): Promise<Uint8Array> {
  return format.name === 'png' ? ancillaryChunks(appearance) : resultSegments(id, appearance);
}

function planOf(
  { name, recipe, caller, isStored }: SentImage,
  format: string,
  grid: TileGrid,
  output: string,
): ImagePlan {
  const { width, height, tileSizePx } = grid;
  const tiles = tileCount(grid);
  const owner = caller.owner ?? '';
  return { name, width, height, tileSizePx, recipe, format, tiles, output, owner, isStored };
}
