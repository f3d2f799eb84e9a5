/** The frames of catch-up as bytes: windows, fingerprints, and messages of negentropy, which are bytes of their own here. */
import { type Bytes, toBase64url } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { MINUTE_END } from '../persistence.ts';
import type { CborReader, CborWriter } from './cbor.ts';
import { tagBytes } from './ephemerals.ts';
import type { ChannelSum, Frame } from './frame.ts';

type SyncFrame = Extract<Frame, { type: 'heartbeat' | 'sums' | 'reconcile' | 'reconciled' | 'offer' }>;

export function encodeSync(w: CborWriter, frame: SyncFrame): Bytes {
  switch (frame.type) {
    case 'heartbeat':
      return w.uint(frame.untilMinute).uint(frame.channels).bytes(frame.fingerprint).finish();
    case 'sums':
      w.uint(frame.untilMinute).array(frame.sums.length);
      for (const s of frame.sums) w.array(3).bytes(tagBytes(s.tag)).uint(s.floorHour).bytes(s.fingerprint);
      return w.finish();
    case 'reconcile':
      w.uint(frame.number).uint(frame.untilMinute).bytes(tagBytes(frame.tag)).uint(frame.floorHour);
      return w.bytes(frame.message).finish();
    case 'reconciled':
      return w.uint(frame.number).bytes(frame.message).finish();
    case 'offer':
      w.bytes(tagBytes(frame.tag)).array(frame.ids.length);
      for (const id of frame.ids) w.bytes(id);
      return w.finish();
  }
}

export function readTag(r: CborReader): string {
  return toBase64url(r.bytes(8, 8));
}

export const HOUR_END = MINUTE_END / 60;

/** Throws {@link CborError}. */
export function readSync(type: SyncFrame['type'], r: CborReader): SyncFrame {
  const number = (): number => r.uint(LIMITS.reconcileNumberMax);
  const message = (): Bytes => r.bytes(0, LIMITS.reconcileBytesMax);
  const minute = (): number => r.uint(MINUTE_END);
  switch (type) {
    case 'heartbeat': {
      const [untilMinute, channels] = [minute(), r.uint(LIMITS.sharedChannelsMax)];
      return { type, untilMinute, channels, fingerprint: r.bytes(16, 16) };
    }
    case 'sums': {
      const untilMinute = minute();
      const sums = r.list(LIMITS.sumsPerFrameMax, (item): ChannelSum => {
        item.tuple(3);
        return { tag: readTag(item), floorHour: item.uint(HOUR_END), fingerprint: item.bytes(16, 16) };
      });
      return { type, untilMinute, sums };
    }
    case 'reconcile': {
      const [n, untilMinute, tag, floorHour] = [number(), minute(), readTag(r), r.uint(HOUR_END)];
      return { type, number: n, untilMinute, tag, floorHour, message: message() };
    }
    case 'reconciled':
      return { type, number: number(), message: message() };
    case 'offer':
      return { type, tag: readTag(r), ids: r.list(LIMITS.offeredIdsMax, (item) => item.bytes(32, 32)) };
  }
}
