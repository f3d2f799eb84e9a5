/**
 * The check of the clock against the servers of the bootstrap lists. What follows from a wrong clock is in the design of
 * messages (docs/protocol): no peer's clock follows another by more than a minute, and what is dated more than ten
 * minutes ahead is not taken until its time has come.
 */
import { LIMITS } from '../../core/limits.ts';
import type { ClockReference } from './date-headers.ts';
import { type Finding, fail, type Mend, ok, skipped, warn } from './finding.ts';
import type { Subject } from './subject.ts';
import { durationText } from './words.ts';

/** More than the second of a `Date` header and a slow server explain (guess). */
const WARN_MS = 10_000;
const FAIL_MS = LIMITS.clockFollowMs;

function setClock(platform: NodeJS.Platform): Mend {
  const text = 'Let the system set its clock:';
  if (platform === 'linux') return { text, command: 'sudo timedatectl set-ntp true' };
  if (platform === 'darwin') return { text, command: 'sudo sntp -sS time.apple.com' };
  return text.replace(/:$/, ', in the settings for date and time.');
}

function consequences(isAhead: boolean, amountMs: number): string {
  const isFar = amountMs > LIMITS.futureMs;
  if (isAhead)
    return isFar
      ? 'others do not take your messages before their time has come'
      : 'your messages stand below later ones of others, whose clocks do not follow yours';
  return isFar
    ? 'messages of others are not taken before this clock has reached their time'
    : 'your answers stand above what they answer, because this clock does not follow that of others';
}

/** The clock of this machine against others. Of several, the closest counts: one wrong server is no reason for alarm. */
export function checkClock({ system }: Subject, references: readonly ClockReference[]): Finding {
  const [best] = references.toSorted((a, b) => Math.abs(a.aheadMs) - Math.abs(b.aheadMs));
  if (best === undefined)
    return skipped(
      'clock',
      'The clock was not checked: no server of a bootstrap list answered, and nobody else is asked.',
    );
  const amountMs = Math.abs(best.aheadMs);
  if (amountMs <= WARN_MS)
    return ok('clock', `The clock agrees with that of ${best.host} within ${WARN_MS / 1000} seconds.`);
  const isAhead = best.aheadMs > 0;
  const what = `The clock is ${durationText(amountMs)} ${isAhead ? 'ahead of' : 'behind'} that of ${best.host}`;
  if (amountMs <= FAIL_MS) return warn('clock', `${what}.`, setClock(system.platform));
  return fail('clock', `${what}: ${consequences(isAhead, amountMs)}.`, setClock(system.platform));
}
