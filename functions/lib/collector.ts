// Tells V8 how this process uses memory; imported first by the main.ts of blur and assemble. Tiles are few, large and
// short-lived, and live outside V8's own heap, which stays small. Left to itself V8 takes every dozen of them for a reason to
// collect the whole heap, a quarter of all CPU time; with this flag it weighs them as part of a heap that may grow. Not
// for split, which holds a whole upload: V8 would let the rest grow in proportion. A Node that does not know the flag
// runs without it.
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--external-memory-accounted-in-global-limit');
