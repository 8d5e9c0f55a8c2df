// split as its callers see it, on a Redis that may refuse its commands.
import { picture, toPng } from '../../functions/testing/pictures.ts';
import type { GuardedRedis } from './guarded-redis.ts';

interface Image {
  id: string;
  status: string;
  error: string | null;
}

export class GuardedSplit {
  readonly #url: string;
  readonly #redis: GuardedRedis;

  /** Calls split at `url`. */
  constructor(url: string, redis: GuardedRedis) {
    this.#url = url;
    this.#redis = redis;
  }

  async get(path: string): Promise<Response> {
    return fetch(`${this.#url}${path}`);
  }

  async image(id: string): Promise<Image> {
    return (await (await this.get(`/images/${id}`)).json()) as Image;
  }

  /** Waits until the image is in this state. */
  async untilIs(id: string, status: string): Promise<void> {
    await this.#redis.until(`${id} to be ${status}`, async () => (await this.image(id)).status === status);
  }

  async delete(id: string): Promise<Response> {
    return fetch(`${this.#url}/images/${id}`, { method: 'DELETE' });
  }

  /** Posts a picture, or JSON. */
  async post(query: string, body: Uint8Array<ArrayBuffer> | string): Promise<Response> {
    const type = typeof body === 'string' ? 'application/json' : 'image/png';
    return fetch(`${this.#url}/${query}`, { method: 'POST', body, headers: { 'content-type': type } });
  }

  /** Sends a picture of six tiles, another one for each length of the name. Returns its id. */
  async send(name: string): Promise<string> {
    const png = await toPng(picture(150, 80, 'soft-alpha', name.length));
    const response = await this.post(`?name=${name}`, png);
    const answer = await response.text();
    await this.#redis.checkRefusals();
    if (response.status !== 202) throw new Error(`split answered ${response.status}: ${answer}`);
    return (JSON.parse(answer) as Image).id;
  }
}
