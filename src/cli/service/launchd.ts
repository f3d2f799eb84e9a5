/**
 * The property list that launchd of macOS runs the daemon by, as an agent of a user. launchd has no file of options; the
 * daemon reads `.env` in its working folder, which is the data folder.
 *
 * Source: launchd.plist(5).
 */

/** Names the agent and its file. */
export const LAUNCHD_LABEL = 'openclaw-messaging';

export interface AgentFacts {
  /** the first line, without control characters */
  readonly header: string;
  readonly program: readonly [string, ...string[]];
  readonly dataFolder: string;
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Starts at login, and again after a failure; an orderly stop is left alone. */
export function agentText({ header, program, dataFolder }: AgentFacts): string {
  const words = [...program, 'start', '--data', dataFolder].map(
    (word) => `    <string>${xml(word)}</string>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<!-- ${header.replaceAll('--', '-\\u002d')} -->
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${LAUNCHD_LABEL}</string>
  <key>ProgramArguments</key>
  <array>
${words.join('\n')}
  </array>
  <key>WorkingDirectory</key>
  <string>${xml(dataFolder)}</string>
  <key>EnvironmentVariables</key>
  <dict>
    <key>NODE_ENV</key>
    <string>production</string>
  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>Umask</key>
  <integer>63</integer>
  <key>StandardOutPath</key>
  <string>/dev/null</string>
  <key>StandardErrorPath</key>
  <string>/dev/null</string>
</dict>
</plist>
`;
}
