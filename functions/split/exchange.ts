// The table of split's routes, and how a request finds its route in it.
import type { Request, Response } from '@google-cloud/functions-framework';
import { Problem } from '../lib/errors.ts';
import { isImageId } from '../lib/job.ts';
import type { Caller } from './callers.ts';
import { queryOf } from './requests.ts';

/** A request with what was read from its head, and its response. */
export interface Exchange {
  req: Request;
  res: Response;
  /** The query without the `?`. */
  query: string;
  caller: Caller;
  /** The image in the path; '' for a path without one. */
  id: string;
}

export type Route = (exchange: Exchange) => Promise<void>;
type Method = 'GET' | 'POST' | 'DELETE';
export type Methods = Partial<Record<Method, Route>>;

/** Path → its methods. `{id}` stands for the id of an image. HEAD and OPTIONS follow from the others. */
export type RouteTable = Record<string, Methods>;

const ID = '{id}';

/** Returns the methods at `path`, and the image id in it. Throws Problem `not-found` if there is nothing. */
export function methodsAt(table: RouteTable, path: string): { methods: Methods; id: string } {
  const { pattern, id } = patternOf(path);
  if (!Object.hasOwn(table, pattern)) throw new Problem('not-found', `There is nothing at ${path}.`);
  if (id !== null && !isImageId(id)) throw unknownImage(id);
  return { methods: table[pattern], id: id ?? '' };
}

/** Returns the route of a path as it is in the table; `other` if there is none. */
export function routeOf(table: RouteTable, path: string): string {
  const { pattern } = patternOf(path);
  return Object.hasOwn(table, pattern) ? pattern : 'other';
}

function patternOf(path: string): { pattern: string; id: string | null } {
  const [, root, id, ...rest] = path.split('/');
  if (root !== 'images' || id === undefined) return { pattern: path, id: null };
  return { pattern: ['', root, ID, ...rest].join('/'), id };
}

/** Calls the route of the request's method. HEAD is a GET whose body Node leaves out. */
export async function dispatch(methods: Methods, exchange: Exchange): Promise<void> {
  const { req, res } = exchange;
  const method = req.method === 'HEAD' ? 'GET' : req.method;
  if (Object.hasOwn(methods, method)) return methods[method as Method]?.(exchange);
  const allowed = [...Object.keys(methods), ...('GET' in methods ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  res.setHeader('allow', allowed);
  if (req.method !== 'OPTIONS') {
    throw new Problem('method-not-allowed', `${req.method} is not allowed here; ${allowed} are.`);
  }
  res.writeHead(204).end();
}

/** Makes `route` refuse any query. */
export function withoutQuery(route: Route): Route {
  return async (exchange) => {
    queryOf(exchange.query, []);
    return route(exchange);
  };
}

export function unknownImage(id: string): Problem {
  return new Problem('not-found', `There is no image ${JSON.stringify(id)}.`);
}
