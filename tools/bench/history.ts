/** Stored history, written with the store's own code in large batches while no daemon runs. */
import { fromBase64url, toBase64url } from '../../src/core/bytes.ts';
import { channelTag } from '../../src/core/channel/channel.ts';
import { decodeMessage } from '../../src/core/message/message.ts';
import { StoreReceipt, VerifiedMessage } from '../../src/core/message/verified.ts';
import type { PersistOp } from '../../src/core/persistence.ts';
import { createSigner, generatePrivateKey, type Signer, sha256 } from '../../src/crypto/index.ts';
import { openStore } from '../../src/store/index.ts';
import { databaseOf, startDaemon } from './daemon.ts';
import { context, makeMessage, NETWORK } from './messages.ts';
import { freePort } from './processes.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Messages of one transaction: larger than the daemon's group commit, because nobody waits here. */
const BATCH = 4096;
const JUNK = fromBase64url('B'.repeat(86).replace(/.$/, 'A')) as Uint8Array;

export interface HistoryOptions {
  /** a data folder that a daemon has been started in */
  readonly folder: string;
  readonly messages: number;
  readonly channels: readonly string[];
  /** how far back they go, evenly; the newest is older than what daemons still take for live */
  readonly days: number;
  /** signing costs more than storing: without it nobody may verify these messages */
  readonly isSigned: boolean;
}

/** A folder with keys, an empty database and nothing else: what a first start leaves behind. */
export async function prepareFolder(folder: string): Promise<void> {
  const daemon = await startDaemon({ folder, port: await freePort() });
  await daemon.stop();
}

export function fillHistory({ folder, messages, channels, days, isSigned }: HistoryOptions): void {
  const store = openStore({ path: databaseOf(folder), network: NETWORK, sha256 });
  const authors = Array.from({ length: 20 }, () => createSigner(generatePrivateKey()));
  const signers = isSigned ? authors : authors.map(unsigned);
  const tags = channels.map((channel) => toBase64url(channelTag(sha256, NETWORK, channel)));
  const end = Date.now() - 5 * MINUTE_MS;
  const stepMs = (days * DAY_MS) / messages;
  store.transact([channels.map((channel, i) => ({ kind: 'join', channel, tag: tags[i] as string }))]);
  for (let from = 0; from < messages; from += BATCH) {
    const ops: PersistOp[] = [];
    for (let seq = from; seq < Math.min(messages, from + BATCH); seq++) {
      const channel = seq % channels.length;
      const timeMs = Math.floor(end - (messages - seq) * stepMs);
      const signer = signers[seq % signers.length] as Signer;
      const message = receivedMessage(signer, seq, channels[channel] as string, timeMs);
      ops.push({ kind: 'message', message, tag: tags[channel] as string });
    }
    store.transact([ops]);
  }
  store.close();
}

function receivedMessage(signer: Signer, seq: number, channel: string, timeMs: number): VerifiedMessage {
  const message = decodeMessage(context, makeMessage(signer, seq, { channel, timeMs }).wire);
  const verified = message && VerifiedMessage.fromStore(message, StoreReceipt.issue(message.id));
  if (verified === undefined) throw new Error('the bench made a message that is none');
  return verified;
}

function unsigned({ publicKey }: Signer): Signer {
  return { publicKey, sign: () => JUNK };
}
