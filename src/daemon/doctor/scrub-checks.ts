/**
 * `mesh doctor --scrub`: all stored messages are read and have to prove themselves. A running daemon does it itself; else
 * the database is opened here, as a start would open it. Unlike the other checks this one changes something: what is
 * damaged is hidden and marked, so that the daemon fetches it again.
 */
import { LIMITS } from '../../core/limits.ts';
import { createVerifier, sha256 } from '../../crypto/index.ts';
import { openStore } from '../../store/sqlite.ts';
import { damagedText } from '../scrubber.ts';
import { isOfOldSchema } from './database-checks.ts';
import { look } from './files.ts';
import { type Finding, fail, ok, skipped, warn } from './finding.ts';
import type { OnProgress, ScrubAsk, ScrubResult, Subject } from './subject.ts';
import { countText } from './words.ts';

const RESTART =
  'Stop the daemon if it runs, and start it: it keeps the damaged files aside and makes a new database of all that can be read; the rest comes from neighbours.';
const AGAIN = 'If more is found later, the disk may be failing: move the data folder to another one.';

function findingOf({ checked, damaged, structure }: ScrubResult, isRunning: boolean): Finding {
  if (structure !== '') return fail('scrub', `The database itself is damaged: ${structure}`, RESTART);
  const count = damaged.reduce((sum, { messages }) => sum + messages, 0);
  if (count === 0)
    return ok('scrub', `${countText(checked, 'stored message')} were read, and all are as they were signed.`);
  const what = `${countText(count, 'stored message')} of ${checked} ${count === 1 ? 'is' : 'are'} damaged: ${damagedText(damaged)}`;
  const lost = damaged.reduce((sum, { unconfirmed }) => sum + unconfirmed, 0);
  const next = isRunning ? 'is fetching them again' : 'fetches them again when it runs';
  const others = `They are hidden, and the daemon ${next} from neighbours.`;
  if (lost === 0) return warn('scrub', what, `${others} ${AGAIN}`);
  return fail(
    'scrub',
    what,
    `${others} What you sent and nobody had confirmed may be nowhere else: send it again. ${AGAIN}`,
  );
}

/** Checks all messages of a database that no daemon uses. Throws MeshError if it cannot be opened. */
async function scrubHere({ storePath, options }: Subject, onProgress: OnProgress): Promise<ScrubResult> {
  const { verify } = createVerifier();
  const store = openStore({ path: storePath, network: options.network, sha256 });
  try {
    store.scrub.restart();
    const messages = store.channels().reduce((sum, row) => sum + row.messages, 0);
    const budget = { messages: LIMITS.scrubPageMessages, bytes: LIMITS.scrubPageBytes };
    let structure = '';
    for (;;) {
      const page = store.scrub.page(verify, { ...budget, wallMs: Date.now() });
      structure ||= page.structure;
      const { messages: checked } = store.scrub.state();
      if (page.isLast) return { checked, damaged: store.scrub.damaged(), structure };
      onProgress(checked, messages);
      await new Promise((resolve) => setImmediate(resolve)); // Ctrl-C works
    }
  } finally {
    store.close();
  }
}

/** @param ask undefined: nobody asked for it. @param earlier what other checks have found */
export async function checkMessages(
  subject: Subject,
  ask: ScrubAsk | undefined,
  earlier: readonly Finding[],
): Promise<readonly Finding[]> {
  if (ask === undefined) return [skipped('scrub', 'Only "mesh doctor --scrub" reads all stored messages.')];
  const { presence, storePath } = subject;
  if (look(storePath).kind !== 'there') return [skipped('scrub', 'There is no database yet.')];
  if (presence.kind === 'running') return [findingOf(await ask.daemon(ask.onProgress), true)];
  if (presence.lock.state === 'held')
    return [skipped('scrub', 'The messages were not read, because somebody else uses the database.')];
  if (isOfOldSchema(storePath))
    return [
      skipped(
        'scrub',
        'The messages were not read: the database is of an older version, start the daemon once.',
      ),
    ];
  if (earlier.some(({ check, state }) => state === 'fail' && (check === 'database' || check === 'integrity')))
    return [skipped('scrub', 'The messages were not read, because the database cannot be used as it is.')];
  return [findingOf(await scrubHere(subject, ask.onProgress), false)];
}
