/**
 * Numbers for those who watch a daemon, in the order in which they are shown. Each is read at the time of the question;
 * nothing is counted twice for it.
 *
 * Invariant: labels come from fixed sets of words in the code. Nothing that a peer, a channel or a message can name ever
 * becomes a label, so the number of series has a bound that no traffic moves.
 */
import type { LinkStats } from '../net/index.ts';
import type { ChannelRow } from '../store/store.ts';
import type { AgentView } from './desk/views.ts';
import type { MetricFamily, MetricSample, StatusView } from './gate.ts';
import { OUTBOX_COUNT_MAX } from './status.ts';

/** What the numbers are read from. */
export interface MetricFacts {
  readonly status: StatusView;
  readonly agent: AgentView;
  readonly channels: readonly ChannelRow[];
  readonly net: LinkStats;
  /** of the process: seconds of CPU, bytes */
  readonly process: {
    readonly cpuSeconds: number;
    readonly residentBytes: number;
    readonly heapBytes: number;
  };
}

interface MetricRow {
  readonly type: MetricFamily['type'];
  readonly help: string;
  /** label names with their values; left out where there are none */
  readonly labels?: Readonly<Record<string, string>>;
  readonly read: (facts: MetricFacts) => number | readonly MetricSample[];
}

const KINDS = ['overlay', 'home-live', 'home-standby', 'leaf', 'visit', 'mesh1'] as const;
const PROTECTIONS = ['sealed', 'tls', 'none'] as const;
const SOURCE_STATES = ['waiting', 'ok', 'failed'] as const;

/** One sample for each kind and protection, 0 included: a series that comes and goes is hard to watch. */
function linkSamples({ status }: MetricFacts): MetricSample[] {
  return KINDS.flatMap((kind) =>
    PROTECTIONS.map((protection) => ({
      labels: { kind, protection },
      value: status.links.filter((link) => link.kind === kind && link.protection === protection).length,
    })),
  );
}

function byHolding(
  { channels }: MetricFacts,
  count: (rows: readonly ChannelRow[]) => number,
): MetricSample[] {
  return [true, false].map((joined) => ({
    labels: { held: joined ? 'joined' : 'carried' },
    value: count(channels.filter((row) => row.joined === joined)),
  }));
}

function sum(rows: readonly ChannelRow[], field: 'messages' | 'bytes'): number {
  return rows.reduce((total, row) => total + row[field], 0);
}

function problemSamples({ status }: MetricFacts): MetricSample[] {
  const codes = [...new Set(status.problems.map(({ code }) => code))].sort();
  return codes.map((code) => ({
    labels: { code },
    value: status.problems.filter((problem) => problem.code === code).length,
  }));
}

const HELD = { held: '`joined`, or `carried` for others' };

/** Every number, by its name; `docs/reference/metrics.md` is made from it. */
export const METRICS: Readonly<Record<string, MetricRow>> = {
  mesh_info: {
    type: 'gauge',
    help: 'Always 1; the labels say what runs',
    labels: { version: 'of the daemon', network: 'name of the network', role: '`relay` or `leaf`' },
    read: ({ status: { version, network, role } }) => [{ labels: { version, network, role }, value: 1 }],
  },
  mesh_links: {
    type: 'gauge',
    help: 'Links that are up',
    labels: { kind: `\`${KINDS.join('`, `')}\``, protection: `\`${PROTECTIONS.join('`, `')}\`` },
    read: linkSamples,
  },
  mesh_relays: { type: 'gauge', help: 'Relays on the map', read: ({ status }) => status.relays },
  mesh_sockets_accepted: {
    type: 'gauge',
    help: 'Sockets on the port for peers, with those that are no link yet',
    read: ({ net }) => net.accepted,
  },
  mesh_sockets_refused_total: {
    type: 'counter',
    help: 'Sockets that were closed at once, over the limits',
    read: ({ net }) => net.refused,
  },
  mesh_accept_errors_total: {
    type: 'counter',
    help: 'Sockets that the system could not accept, such as for want of file descriptors',
    read: ({ net }) => net.acceptErrors,
  },
  mesh_dials: { type: 'gauge', help: 'Dials in progress', read: ({ net }) => net.dialling },
  mesh_send_queue_bytes: {
    type: 'gauge',
    help: 'Bytes that wait to be sent, over all links',
    read: ({ net }) => net.queuedBytes,
  },
  mesh_frames_dropped_total: {
    type: 'counter',
    help: 'Frames that were left out for a slow link; catch-up brings them later',
    read: ({ net }) => net.droppedFrames,
  },
  mesh_frame_bytes_dropped_total: {
    type: 'counter',
    help: 'Bytes of those frames',
    read: ({ net }) => net.droppedBytes,
  },
  mesh_links_too_slow_total: {
    type: 'counter',
    help: 'Links that were closed because the other side did not read',
    read: ({ net }) => net.tooSlow,
  },
  mesh_channels: {
    type: 'gauge',
    help: 'Channels that are kept',
    labels: HELD,
    read: (facts) => byHolding(facts, (rows) => rows.length),
  },
  mesh_messages: {
    type: 'gauge',
    help: 'Messages on the disk',
    labels: HELD,
    read: (facts) => byHolding(facts, (rows) => sum(rows, 'messages')),
  },
  mesh_message_bytes: {
    type: 'gauge',
    help: 'What those messages cost on the disk, bytes',
    labels: HELD,
    read: (facts) => byHolding(facts, (rows) => sum(rows, 'bytes')),
  },
  mesh_arrivals_total: {
    type: 'counter',
    help: 'Messages that were ever stored here, own ones included; it goes on over a restart',
    read: ({ status }) => status.lastArrival,
  },
  mesh_outbox_messages: {
    type: 'gauge',
    help: `Own messages that no relay has confirmed yet; they are counted up to ${OUTBOX_COUNT_MAX}`,
    read: ({ status }) => status.outbox,
  },
  mesh_messages_damaged: {
    type: 'gauge',
    help: 'Stored messages that were found damaged and have not come again',
    read: ({ status }) => status.scrub.damaged.reduce((total, { messages }) => total + messages, 0),
  },
  mesh_scrub_checked_messages: {
    type: 'gauge',
    help: 'Stored messages that were read and checked in this pass over all of them',
    read: ({ status }) => status.scrub.checked,
  },
  mesh_scrub_ended_time_seconds: {
    type: 'gauge',
    help: 'When all stored messages had been checked last, seconds since 1970; 0 for never',
    read: ({ status }) => (status.scrub.ended === null ? 0 : Date.parse(status.scrub.ended) / 1000),
  },
  mesh_bootstrap_lists: {
    type: 'gauge',
    help: 'Bootstrap lists, by what became of the last try',
    labels: { state: `\`${SOURCE_STATES.join('`, `')}\`` },
    read: ({ status }) =>
      SOURCE_STATES.map((state) => ({
        labels: { state },
        value: status.sources.filter((source) => source.state === state).length,
      })),
  },
  mesh_agent_attached: {
    type: 'gauge',
    help: '1 while a program takes from the inbox, else 0',
    read: ({ agent }) => (agent.client === null ? 0 : 1),
  },
  mesh_inbox_messages: {
    type: 'gauge',
    help: 'Messages for the agent that are not done, and those that it gave up',
    labels: { state: '`waiting`, `handed` (the agent has it), `unanswered` (it was given up)' },
    read: ({ agent }) =>
      (['waiting', 'handed', 'unanswered'] as const).map((state) => ({
        labels: { state },
        value: agent[state],
      })),
  },
  mesh_problems: {
    type: 'gauge',
    help: 'Things a person should act on, as `mesh status` lists them; a code without problems has no series',
    labels: { code: 'an [error code](errors.md)' },
    read: problemSamples,
  },
  process_cpu_seconds_total: {
    type: 'counter',
    help: 'CPU time of the daemon, seconds',
    read: ({ process }) => process.cpuSeconds,
  },
  process_resident_memory_bytes: {
    type: 'gauge',
    help: 'Memory of the daemon as the system sees it, bytes',
    read: ({ process }) => process.residentBytes,
  },
  nodejs_heap_size_used_bytes: {
    type: 'gauge',
    help: 'Heap in use, bytes',
    read: ({ process }) => process.heapBytes,
  },
  process_start_time_seconds: {
    type: 'gauge',
    help: 'When the daemon was started, seconds since 1970',
    read: ({ status }) => Date.parse(status.started) / 1000,
  },
};

/** All numbers as they are now. */
export function readMetrics(facts: MetricFacts): MetricFamily[] {
  return Object.entries(METRICS).map(([name, { type, help, read }]) => {
    const found = read(facts);
    return {
      name,
      type,
      help,
      samples: typeof found === 'number' ? [{ labels: {}, value: found }] : found,
    };
  });
}

/** What this process costs. */
export function processFacts(): MetricFacts['process'] {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return { cpuSeconds: (user + system) / 1e6, residentBytes: rss, heapBytes: heapUsed };
}
