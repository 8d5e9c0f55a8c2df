// Tells V8 how this process uses memory; every main.ts imports it first. Tiles are few, large and
// short-lived, and are stored outside V8's own heap, which stays small. By default V8 collects the whole heap
// after every dozen tiles, which takes a quarter of all CPU time. With this flag it counts them as part of a
// heap that may grow. Megabytes of pixels are freed explicitly (freeBytes in pixels.ts), or the heap would
// grow with them. A Node version that does not know the flag runs without it.
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--external-memory-accounted-in-global-limit');
