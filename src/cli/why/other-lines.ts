/** Where a message of somebody else is and why, in words: the first line, then the reasons. */
import type { AgentWhyJson, HereJson, WhyJson } from '../../api/client/index.ts';
import { inboxWords } from '../inbox-words.ts';
import { count, localTime, shellWord, shortId, visibleLine } from '../text.ts';
import { fromNow } from './moments.ts';

const REFUSED: Readonly<Record<Extract<HereJson, { state: 'refused' }>['reason'], string>> = {
  future:
    "its time lies more than ten minutes ahead of this machine's clock; it is taken once that time has come",
  expired: 'its expiry had passed when it came',
  'write-rule': 'its channel takes no such message from its author',
  forged: 'its signature is wrong; a genuine copy would still be taken',
  'over-rate': 'its author writes more at once than this daemon takes, and the channel is not kept here',
  superseded: 'a newer record took its place in its feed',
};

const PASSED: Readonly<Record<Extract<HereJson, { state: 'passed' }>['because'], string>> = {
  'not-held': 'nobody here wants the channel: it is not joined',
  'below-floor': 'it is older than what is kept of the channel',
  'no-room': 'there is no room for more of the channel',
  'not-yet': 'it is on its way to the disk',
};

const PASSED_OVER: Readonly<Record<Extract<AgentWhyJson, { kind: 'passed-over' }>['because'], string>> = {
  stranger: 'its author is not among those who may wake it ("mesh allow")',
  own: 'the agent wrote it',
  notice: 'it is a notice, which wakes nobody',
  'before-wake': 'it came, or was written, before the channel was set to wake ("mesh wake")',
  never: 'the channel does not wake it ("mesh wake")',
  'not-meant': 'it does not mention the agent and answers nothing of it',
  'rules-changed': 'the rules were others when it came; by those of today it would have been for the agent',
};

function headline(here: HereJson): string {
  switch (here.state) {
    case 'held':
      return 'Here: it is on this disk.';
    case 'wanted':
      return 'Put off: only its header is here, and its content is fetched later.';
    case 'dropped':
      return 'Dropped: only its header is left, because its channel was over its limit.';
    case 'deleted':
      return 'Deleted: its author deleted it, and only its header is left.';
    case 'expired':
      return 'Expired: it is shown to nobody any more, and removed soon.';
    case 'passed':
      return here.because === 'not-yet'
        ? 'Coming: it is on its way to this disk.'
        : 'Passed on: it went through this daemon and was not kept.';
    case 'refused':
      return here.reason === 'over-rate'
        ? 'Not taken: its author was too fast.'
        : 'Refused: it came and was not taken.';
    default:
      return here satisfies never;
  }
}

function fetchingWords(here: Extract<HereJson, { state: 'wanted' }>, now: string): string {
  switch (here.fetching) {
    case 'asked':
      return 'a linked peer has been asked for it';
    case 'tried':
      return `it was asked for and did not come; again ${here.next === null ? 'later' : fromNow(here.next, now)} at the earliest`;
    case 'not-yet': {
      const links = here.links ?? 0;
      if (links === 0) return 'as soon as a peer is linked that has the channel too';
      return `as soon as the rate of its author has room again; ${count(links, 'linked peer')} ${links === 1 ? 'has' : 'have'} the channel too`;
    }
    default:
      return here.fetching satisfies never;
  }
}

function* hereLines({ here, channel, now, message }: WhyJson): Generator<string> {
  switch (here.state) {
    case 'held':
    case 'deleted':
    case 'expired':
      yield `Arrival:   number ${here.arrival} at this daemon`;
      break;
    case 'wanted':
      yield 'Why:       its author writes more at once than this daemon takes (MESH_RATE_AUTHOR, MESH_RATE_COMMON)';
      yield `Next:      ${fetchingWords(here, now)}`;
      break;
    case 'dropped':
      yield 'Why:       the content of whoever takes most room in a channel goes first; "mesh retention" gives it more';
      break;
    case 'passed': {
      yield `Why:       ${PASSED[here.because]}`;
      if (here.because === 'not-held' && message !== null)
        yield `Next:      to keep it: mesh join ${shellWord(message.channel)}`;
      break;
    }
    case 'refused':
      yield `Why:       ${REFUSED[here.reason]}`;
      yield `From:      ${shortId(here.peer)} ${fromNow(here.at, now)}`;
      break;
    default:
      here satisfies never;
  }
  if (channel?.held === true && channel.since !== null)
    yield `Kept:      the channel is ${channel.joined ? 'joined' : 'carried for others'}, and complete here since ${localTime(channel.since)}`;
}

function agentWords(agent: AgentWhyJson): string {
  switch (agent.kind) {
    case 'inbox':
      return `it was for the agent, number ${agent.row.number} of "mesh inbox": ${inboxWords(agent.row)}`;
    case 'passed-over':
      return `not woken: ${PASSED_OVER[agent.because]}`;
    case 'not-looked-at':
      return 'the desk has not looked at it yet';
    case 'no-agent':
      return 'nobody may wake an agent here';
    default:
      return agent satisfies never;
  }
}

export function* otherLines(why: WhyJson): Generator<string> {
  const { id, message, came, now, agent } = why;
  yield headline(why.here);
  yield '';
  yield `Message:   ${visibleLine(id)}`;
  if (message !== null) {
    yield `Channel:   ${visibleLine(message.channel)}`;
    yield `Written:   by ${shortId(message.author)}, ${localTime(message.time)}, ${fromNow(message.time, now)}`;
    if (message.expires !== null)
      yield `Expires:   ${localTime(message.expires)}, ${fromNow(message.expires, now)}`;
  }
  if (came !== null) yield `Came:      over the link with ${shortId(came.peer)}, ${fromNow(came.at, now)}`;
  else if (message !== null && !why.own)
    yield 'Came:      by a link that is not remembered (it came long ago, or before the daemon was started)';
  yield* hereLines(why);
  if (agent !== null && agent.kind !== 'no-agent') yield `Agent:     ${agentWords(agent)}`;
}
