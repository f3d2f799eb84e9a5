import type { Finding, FindingState } from '../../daemon/doctor/index.ts';
import { defineCommand } from '../command.ts';
import { findingLines, summaryLine } from '../doctor/lines.ts';
import { EXIT } from '../exit.ts';
import type { CliIo } from '../io.ts';
import { paint, print } from '../print.ts';
import { Progress } from '../progress.ts';
import { jsonLine } from '../text.ts';

/** Longer lines are hard to read. */
const WIDTH_MAX = 100;
const COLORS = { ok: 'green', warn: 'bold', fail: 'red', skipped: 'dim' } as const;

/** Columns for text; programs that read the output get no breaks. */
function widthOf({ stdout }: CliIo): number {
  if (stdout.isTTY !== true) return Number.POSITIVE_INFINITY;
  const columns: unknown = Reflect.get(stdout, 'columns');
  return typeof columns === 'number' && columns > 0 ? Math.min(columns, WIDTH_MAX) : WIDTH_MAX;
}

/** `mesh doctor`: looks at everything that a daemon needs, and says how to mend what is wrong. Only with `--scrub` it changes something. */
export const doctorCommand = defineCommand({
  usage: 'doctor',
  summary: 'Check keys, permissions, disk, clock, ports, bootstrap lists and links, and say how to mend them',
  examples: [
    ['$0 doctor', 'look at everything; nothing is changed'],
    ['$0 doctor --scrub', 'read all stored messages too; what is damaged is hidden and fetched again'],
    ['$0 doctor --json', '{"check","state","what","mend"} for each check'],
  ],
  build: (parser) =>
    parser.options({
      scrub: { type: 'boolean', default: false, describe: 'Read and check all stored messages too' },
    }),
  run: async ({ scrub }, { io, global, dataFolder }) => {
    const [{ examine, mendText }, { askDaemon, scrubByDaemon }] = await Promise.all([
      import('../../daemon/doctor/index.ts'),
      import('../doctor/ask.ts'),
    ]);
    const ask = (timeoutMs: number) => askDaemon(dataFolder, timeoutMs);
    const options = {
      width: widthOf(io),
      paint: (state: FindingState, word: string) => paint(io, io.stdout, COLORS[state], word),
    };
    const findings: Finding[] = [];
    const progress = new Progress(io);
    const onProgress = (checked: number, messages: number) =>
      progress.update(() => `${checked} of ${messages} messages checked`);
    const given = scrub && {
      scrub: { daemon: (tell: typeof onProgress) => scrubByDaemon(dataFolder, tell), onProgress },
    };
    for await (const finding of examine({ dataFolder, env: io.env, cwd: io.cwd, ask, ...given })) {
      progress.clear();
      findings.push(finding);
      const { check, state, what } = finding;
      if (global.json) await print(io, jsonLine({ check, state, what, mend: mendText(finding) }));
      else for (const line of findingLines(finding, options)) await print(io, line);
    }
    if (!global.json) await print(io, summaryLine(findings));
    return findings.some(({ state }) => state === 'fail') ? EXIT.failure : EXIT.ok;
  },
});
