/**
 * Checks of the bootstrap lists: each is fetched as the daemon fetches it and judged by the same parser. A running
 * daemon's own lists are asked, since it asks them anyway; else those of the options. Nobody else is contacted.
 */
import { ERRORS } from '../../core/errors.ts';
import { type BootstrapResult, fetchBootstrap } from '../../net/index.ts';
import { shippedBootstrapFile } from '../options.ts';
import { type ClockReference, collectDates } from './date-headers.ts';
import { type Finding, fail, ok, skipped } from './finding.ts';
import { type Subject, statusOf } from './subject.ts';
import { countText } from './words.ts';

const ELSEWHERE = 'name another list in MESH_BOOTSTRAP_URL, or none by setting it to nothing';
const NETWORK = `Check the network of this machine, its firewall and its proxy; or ${ELSEWHERE}.`;

interface Words {
  readonly pattern: RegExp;
  readonly what: string;
  readonly mend: string;
}

/** What the failures of a fetch mean; `HOST` is the server's name. The first row that fits counts. */
const WORDS: readonly Words[] = [
  {
    pattern: /^HTTP status 404\b/,
    what: 'the server has no such page (HTTP status 404)',
    mend: `Check the path of the URL in MESH_BOOTSTRAP_URL; or ${ELSEWHERE}.`,
  },
  {
    pattern: /^HTTP status (?:401|403)\b/,
    what: 'the server does not hand it to us (HTTP status 401 or 403)',
    mend: `Ask its operator; or ${ELSEWHERE}.`,
  },
  {
    pattern: /^HTTP status 5/,
    what: 'the server has a fault',
    mend: `Tell its operator, and try later; or ${ELSEWHERE}.`,
  },
  {
    pattern: /^HTTP status/,
    what: 'the server answers something else',
    mend: `Tell its operator; or ${ELSEWHERE}.`,
  },
  { pattern: /^no answer within/, what: 'there was no answer in time', mend: NETWORK },
  {
    pattern: /ENOTFOUND/,
    what: 'there is no host HOST',
    mend: `Check the spelling in MESH_BOOTSTRAP_URL and the network of this machine; or ${ELSEWHERE}.`,
  },
  { pattern: /EAI_AGAIN/, what: 'the name server of this machine does not answer', mend: NETWORK },
  {
    pattern: /ECONNREFUSED/,
    what: 'nothing listens at HOST',
    mend: `Check host and port in MESH_BOOTSTRAP_URL, or start the server there; or ${ELSEWHERE}.`,
  },
  { pattern: /E(?:HOST|NET)UNREACH|ENETDOWN/, what: 'no way leads to HOST', mend: NETWORK },
  { pattern: /ECONNRESET|EPIPE|other side closed/, what: 'HOST cut the connection', mend: NETWORK },
  {
    pattern: /CERT|certificate|SELF_SIGNED/,
    what: 'HOST has no certificate that counts',
    mend: `Check the clock of this machine, since certificates have dates, and tell the operator of HOST; or ${ELSEWHERE}.`,
  },
  {
    pattern: /SSL|TLS/,
    what: 'HOST speaks no TLS that we understand',
    mend: `Check whether MESH_BOOTSTRAP_URL should begin with http:// or name another port; or ${ELSEWHERE}.`,
  },
  {
    pattern: /^ENOENT|^ENOTDIR/,
    what: 'there is no such file',
    mend: `Check the path in MESH_BOOTSTRAP_URL; or ${ELSEWHERE}.`,
  },
  {
    pattern: /^EACCES|^EPERM/,
    what: 'this user may not read the file',
    mend: `Make the file readable for this user; or ${ELSEWHERE}.`,
  },
];

function hostOf(source: string): string {
  return URL.parse(source)?.host ?? source;
}

/** A failure of the fetch in words, and how to mend it. */
export function explainFailure(source: string, result: Extract<BootstrapResult, { ok: false }>): Finding {
  const { code, detail } = result;
  if (code === 'bootstrap_invalid') {
    const what = `The list ${source} answers and is not valid: ${detail}.`;
    return fail('bootstrap', what, `${ERRORS.bootstrap_invalid.do} Or ${ELSEWHERE}.`);
  }
  if (code === 'address_refused')
    return fail(
      'bootstrap',
      `The list ${source} was not asked: ${detail}`,
      'If you mean it, set MESH_ALLOW_PRIVATE=1.',
    );
  const row = WORDS.find(({ pattern }) => pattern.test(detail));
  const host = hostOf(source);
  const what = (row?.what ?? 'it could not be fetched').replaceAll('HOST', host);
  const mend = (row?.mend ?? NETWORK).replaceAll('HOST', host);
  return fail('bootstrap', `The list ${source} is not reachable: ${what} (${detail}).`, mend);
}

function judge(source: string, result: BootstrapResult): Finding {
  if (!result.ok) return explainFailure(source, result);
  const { addresses, dropped } = result;
  const found =
    addresses.length === 0 ? 'names nobody' : `names ${countText(addresses.length, 'address', 'addresses')}`;
  const unused = dropped === 0 ? '' : `; ${countText(dropped, 'entry was', 'entries were')} not used`;
  return ok('bootstrap', `The list ${source} is valid and ${found}${unused}.`);
}

export interface BootstrapReport {
  readonly findings: readonly Finding[];
  /** clocks of the servers that answered */
  readonly references: readonly ClockReference[];
  /** addresses that the lists give, all together */
  readonly addresses: number;
}

/** Asks each list once, all at the same time. Takes as long as the slowest, at most the deadline of a fetch. */
export async function checkBootstrap(subject: Subject): Promise<BootstrapReport> {
  const { system, options, refused } = subject;
  const status = statusOf(subject);
  const sources = [
    ...new Set(status === undefined ? options.bootstrap : status.sources.map(({ source }) => source)),
  ];
  if (sources.length === 0) {
    const isRefused = status === undefined && refused.has('MESH_BOOTSTRAP_URL');
    const why = isRefused
      ? 'MESH_BOOTSTRAP_URL cannot be used, so no list was asked.'
      : 'No bootstrap list is configured.';
    return { findings: [skipped('bootstrap', why)], references: [], addresses: 0 };
  }
  const fetchOptions = {
    allowPrivate: options.allowPrivate,
    shippedFiles: [shippedBootstrapFile()],
    timeoutMs: system.timeoutMs,
  };
  const { result, references } = await collectDates(system.wallMs, () =>
    Promise.all(sources.map((source) => fetchBootstrap(source, fetchOptions))),
  );
  const findings = result.map((one, at) => judge(sources[at] as string, one));
  const addresses = result.reduce((sum, one) => sum + (one.ok ? one.addresses.length : 0), 0);
  return { findings, references, addresses };
}
