/**
 * The unit that systemd runs the daemon by. One template for the unit of a user, for that of the system, and for
 * `deploy/mesh.service`, which is the latter for who installs by hand (`npm run docs:generate` writes it).
 *
 * Source: systemd.service(5), systemd.exec(5), systemd.syntax(7). A path may hold blanks, quotes, `%`, `$` and backslashes;
 * what systemd itself cannot take is refused by {@link unitObstacle}.
 */

export interface UnitFacts {
  /** the first line, a comment without its `#` */
  readonly header: string;
  /** `system`: as the user `mesh`, closed off from the rest of the system */
  readonly scope: 'user' | 'system';
  /** absolute path of the program, and words before `start` */
  readonly program: readonly [string, ...string[]];
  /** absolute path */
  readonly dataFolder: string;
  /** absolute path; it need not exist */
  readonly environmentFile: string;
}

/** The user of the system's service. */
export const SERVICE_USER = 'mesh';
/** Below `/var/lib`: systemd makes it. */
export const STATE_FOLDER = '/var/lib/mesh';
export const SYSTEM_ENVIRONMENT_FILE = '/etc/mesh.env';

const MARKER = 'Written by "mesh service install" for the data folder ';

/** First line of a unit that may be written anew and removed. */
export function ownHeader(dataFolder: string): string {
  return `${MARKER}${JSON.stringify(dataFolder)}; the next one writes it anew.`;
}

/** The data folder of a unit or property list that "mesh service install" wrote, or undefined for anybody else's. */
export function ownedFolder(text: string): string | undefined {
  const line = text.split('\n').find((one) => one.includes(MARKER)) ?? '';
  const quoted =
    /^(?:# |<!-- )Written by "mesh service install" for the data folder ("(?:[^"\\]|\\.)*");/.exec(line)?.[1];
  if (quoted === undefined) return undefined;
  const value: unknown = JSON.parse(quoted);
  return typeof value === 'string' ? value : undefined;
}

/** Why systemd could not run this, or '' if it can. */
export function unitObstacle({ program, dataFolder, environmentFile }: UnitFacts): string {
  const paths = [...program, dataFolder, environmentFile];
  const bad = paths.find((one) => /\p{Cc}/u.test(one) || /[\\\s]$/.test(one));
  if (bad !== undefined)
    return `systemd takes no path with a control character, or with a blank or backslash at its end: ${JSON.stringify(bad)}.`;
  return /["'\\]/.test(program[0])
    ? `systemd takes no program whose path has quotes or backslashes: ${program[0]}.`
    : '';
}

/** `%` begins a specifier wherever a value stands. */
function plain(text: string): string {
  return text.replaceAll('%', '%%');
}

function word(text: string): string {
  if (/^[\w@+=:,./-]+$/.test(text)) return text;
  return `"${plain(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** A colon before the program keeps `$` in all words from being replaced; the words are quoted as a whole. */
function commandLine(words: readonly [string, ...string[]]): string {
  const [program, ...rest] = words;
  const first = words.some((one) => one.includes('$')) ? `:${program}` : program;
  return [first, ...rest].map(word).join(' ');
}

const SYSTEM_ACCOUNT = [`User=${SERVICE_USER}`, `Group=${SERVICE_USER}`];
const SYSTEM_STATE = ['StateDirectory=mesh', 'StateDirectoryMode=0700'];
const SYSTEM_CLOSED = [
  '',
  '# It needs the network, its folder and nothing else of the system. (No MemoryDenyWriteExecute: V8 compiles at run time.)',
  'NoNewPrivileges=yes',
  'CapabilityBoundingSet=',
  'ProtectSystem=strict',
  'ProtectHome=yes',
  'PrivateTmp=yes',
  'PrivateDevices=yes',
  'ProtectClock=yes',
  'ProtectHostname=yes',
  'ProtectKernelLogs=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelTunables=yes',
  'ProtectControlGroups=yes',
  'ProtectProc=invisible',
  'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK',
  'RestrictNamespaces=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'LockPersonality=yes',
  'RemoveIPC=yes',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
  'SystemCallErrorNumber=EPERM',
];
/** It runs as its user anyway; the rest of the list needs rights that the manager of a user has not. */
const USER_CLOSED = ['NoNewPrivileges=yes'];

/** The text of the unit. Its facts have no {@link unitObstacle}. */
export function unitText({ header, scope, program, dataFolder, environmentFile }: UnitFacts): string {
  const isSystem = scope === 'system';
  const lines = [
    `# ${header}`,
    '[Unit]',
    'Description=OpenClaw Messaging daemon',
    ...(isSystem ? ['Wants=network-online.target', 'After=network-online.target'] : []),
    '',
    '[Service]',
    'Type=exec',
    ...(isSystem ? SYSTEM_ACCOUNT : []),
    `WorkingDirectory=-${plain(dataFolder)}`,
    `ExecStart=${commandLine([...program, 'start', '--data', dataFolder])}`,
    'Environment=NODE_ENV=production',
    '# Options, one NAME=VALUE in a line; env.example has them all.',
    `EnvironmentFile=-${plain(environmentFile)}`,
    ...(isSystem ? SYSTEM_STATE : []),
    'UMask=0077',
    'Restart=on-failure',
    'RestartSec=5',
    '# The orderly stop takes at most 5 s.',
    'TimeoutStopSec=15',
    'LimitNOFILE=4096',
    ...(isSystem ? SYSTEM_CLOSED : USER_CLOSED),
    '',
    '[Install]',
    `WantedBy=${isSystem ? 'multi-user' : 'default'}.target`,
  ];
  return `${lines.join('\n')}\n`;
}

/** `deploy/mesh.service`: the unit of the system for a checkout in `/opt`. */
export function deployedUnit(): string {
  return unitText({
    header:
      'The daemon as a service of a Linux system; docs/guides/operate.md says how to set it up. "npm run docs:generate" writes it.',
    scope: 'system',
    program: ['/usr/bin/env', 'node', '/opt/openclaw-messaging/bin/mesh.mjs'],
    dataFolder: STATE_FOLDER,
    environmentFile: SYSTEM_ENVIRONMENT_FILE,
  });
}
