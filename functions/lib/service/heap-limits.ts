// Tells V8 how this process uses memory; imported first by every main.ts. Tiles are few, large and short-lived, and live
// outside V8's own heap, which stays small. Left to itself V8 takes every dozen of them for a reason to collect the whole
// heap, a quarter of all CPU time; with this flag it weighs them as part of a heap that may grow. What passes through by
// the megabyte is given back by hand (freeBytes in pixels.ts), or that heap would grow with it. A Node that does not know
// the flag runs without it.
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--external-memory-accounted-in-global-limit');
