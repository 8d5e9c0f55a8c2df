// A caller of split for the pipeline tests.
import { expect } from 'vitest';
import type { Bitmap } from '../../functions/lib/image/pixels.ts';
import { toPixels } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import type { Pipeline } from '../../local/pipeline.ts';

export interface Status {
  id: string;
  name: string;
  status: string;
  done: number;
  tiles: number;
  attempts: number;
  reclaims: number;
  fenced: number;
  dead: unknown[];
  progress: string;
  kernel: number;
  error: string | null;
  output: string | null;
  result: string | null;
}

/** Everything that a caller does, with one pipeline. */
export class Caller {
  readonly pipeline: Pipeline;

  constructor(pipeline: Pipeline) {
    this.pipeline = pipeline;
  }

  async post(png: Uint8Array<ArrayBuffer>, query: string): Promise<Status> {
    const response = await fetch(`${this.pipeline.splitUrl}/?${query}`, {
      method: 'POST',
      body: png,
      headers: { 'content-type': 'image/png' },
    });
    expect(response.status).toBe(202);
    return (await response.json()) as Status;
  }

  async status(id: string): Promise<Status> {
    return (await (await fetch(`${this.pipeline.splitUrl}/images/${id}`)).json()) as Status;
  }

  async done(id: string): Promise<Status> {
    return until(`image ${id} to be done`, async () => {
      const status = await this.status(id);
      expect(status.status).not.toBe('failed');
      return status.status === 'done' && status;
    });
  }

  /** Requests images under INPUT_PATH. */
  async postInputs(input: string, kernel: number): Promise<Status[]> {
    const body = JSON.stringify({ input, kernel });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(this.pipeline.splitUrl, { method: 'POST', body, headers });
    expect(response.status).toBe(202);
    return ((await response.json()) as { images: Status[] }).images;
  }

  /** Uploads an image and waits until it is done. */
  async blur(png: Uint8Array<ArrayBuffer>, query: string): Promise<Status> {
    return this.done((await this.post(png, query)).id);
  }

  fetchResult(id: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.pipeline.splitUrl}/images/${id}/result`, init);
  }

  async result(id: string): Promise<Bitmap> {
    const response = await this.fetchResult(id);
    expect(response.headers.get('content-type')).toBe('image/png');
    return toPixels(await response.bytes());
  }
}
