/**
 * Preloaded into a process that is measured (`node --import`), the daemon and the ceiling alike: it tells over the channel to
 * the parent what only the process itself knows. With `BENCH_VERIFIER=node` it lets `sodium-native` be missing, so that
 * the daemon falls back to `node:crypto` as it does on a machine without it.
 */
import { registerHooks } from 'node:module';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** `start`: the event loop is watched from now on. `delay`: what was seen since. `memory`: after a forced collection. */
export type Question = 'start' | 'delay' | 'memory';

export interface Answer {
  /** by how much a timer that is due each millisecond comes late, ms */
  readonly delayP99: number;
  readonly delayMax: number;
  /** bytes in use: V8's heap and what its objects hold outside it */
  readonly heap: number;
  /** bytes of the resident set */
  readonly resident: number;
}

const EVERY_MS = 1;
const histogram = monitorEventLoopDelay({ resolution: EVERY_MS });

let gc: (() => void) | undefined;

function collect(): void {
  setFlagsFromString('--expose-gc');
  gc ??= runInNewContext('gc') as () => void;
  // The second one takes what finalizers of the first have let go.
  for (let i = 0; i < 2; i++) gc();
}

function answer(question: Question): Answer {
  if (question === 'start') {
    histogram.reset();
    histogram.enable();
  } else if (question === 'memory') collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  return {
    // the histogram counts from one timer to the next
    delayP99: histogram.percentile(99) / 1e6 - EVERY_MS,
    delayMax: histogram.max / 1e6 - EVERY_MS,
    heap: heapUsed + external,
    resident: rss,
  };
}

if (process.env.BENCH_VERIFIER === 'node') {
  registerHooks({
    resolve: (specifier, context, next) => {
      if (specifier === 'sodium-native') throw new Error('left out: the bench measures node:crypto');
      return next(specifier, context);
    },
  });
}
process.on('message', (question: Question) => {
  const said = answer(question);
  if (question === 'delay') histogram.disable();
  process.send?.(said);
});
process.channel?.unref();
