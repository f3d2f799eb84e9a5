/** The part of the error table that only commands tell: about the daemon of a folder, and about other programs. */

/** One row of the table. `http` is the status of the problem document; `at` says where the code can appear. */
export interface ErrorRow {
  readonly title: string;
  readonly do: string;
  readonly http: number;
  readonly at: 'link' | 'api' | 'start' | 'command' | 'both';
}

export const COMMAND_ERRORS = {
  stop_timeout: {
    title: 'The daemon was asked to stop and has not ended in time.',
    do: 'Look at its log ("mesh logs"). If it does nothing any more, end the process itself; what it has acknowledged is on the disk.',
    http: 503,
    at: 'command',
  },
  no_daemon: {
    title: 'No daemon answers for this data folder.',
    do: 'Start it with "mesh start", or name its folder with --data.',
    http: 503,
    at: 'command',
  },

  no_log: {
    title: 'There is no log to show.',
    do: 'Name the folder of the daemon with --data, or start it with "mesh start": it writes a log unless MESH_LOG_FILES is 0 or MESH_LOG_LEVEL is silent. A daemon that writes none has its log on standard output: see "journalctl" or "docker logs".',
    http: 404,
    at: 'command',
  },

  daemon_runs: {
    title: 'A daemon runs on this data folder.',
    do: 'Stop it with "mesh stop", and run the command again.',
    http: 409,
    at: 'command',
  },

  not_data_folder: {
    title: 'This is not the data folder of a daemon.',
    do: 'Name the right one with --data; nothing was removed.',
    http: 409,
    at: 'command',
  },
  uninstall_incomplete: {
    title: 'Not everything could be removed.',
    do: 'Mend what is said above and run the command again: what is gone does no harm.',
    http: 500,
    at: 'command',
  },

  // what the command line does with other programs
  no_service_manager: {
    title: 'There is nothing here that could run the daemon as a service.',
    do: 'Run "mesh start" under whatever starts programs here. In a container that is the container itself: docs/guides/operate.md shows how.',
    http: 501,
    at: 'command',
  },
  service_foreign: {
    title: 'There is another service of this name, which is left as it is.',
    do: 'Look at the file that the detail names. Move it away if nobody needs it, and run the command again.',
    http: 409,
    at: 'command',
  },
  service_failed: {
    title: 'The service could not be set up or started.',
    do: 'Mend what the detail says and run the command again: steps that are done do no harm. If the daemon ends at once, "mesh logs" says why.',
    http: 502,
    at: 'command',
  },
  openclaw_failed: {
    title: 'OpenClaw could not be set up.',
    do: 'Read what it printed above, mend that, and run the same command again: steps that are done do no harm.',
    http: 502,
    at: 'command',
  },
} as const satisfies Record<string, ErrorRow>;
