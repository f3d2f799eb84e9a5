/** Memory that is really in use, for tests that it stays flat. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Memory after a forced collection at the end of a run against that at one tenth of it. */
export const GROWTH_MAX = 1.2;

/** Bytes in use after a forced collection: of V8's heap, and of buffers outside of it. */
export function measureHeap(): { heap: number; buffers: number } {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed, buffers: arrayBuffers };
}
