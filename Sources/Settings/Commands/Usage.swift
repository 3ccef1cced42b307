/// The texts of `--help`.
enum Usage {
    /// In the order of the overview.
    static let names = ["run", "check", "demo", "simulator", "doctor", "explain", "report", "keys", "sessions", "accounts", "version"]

    static let overview = """
        menwei: a gateway that logs people in with WeCom before they reach your applications

        Usage: menwei COMMAND [OPTION]…

          run        run the gateway in the foreground
          check      read a configuration and tell everything that is wrong with it
          demo       gateway, WeCom simulator and a sample application on this machine
          simulator  the WeCom simulator alone
          doctor     ask WeCom what is wrong with each connection
          explain    tell what the gateway would decide about a request, and by which rule
          report     tell from access records who would lose or gain access under a configuration
          keys       list the keys that sign, or bring in a new one
          sessions   list who is logged in, or end sessions
          accounts   show and change the account table
          version    print the versions of this program and of its libraries

        `menwei COMMAND --help` tells more. Exit status: 0 done, 1 failed, 2 wrong usage or configuration.
        """

    static let commands: [String: String] = [
        "run": """
            Usage: menwei run --config FILE

            Runs the gateway in the foreground. Prints `menwei: ready` to standard error once every listener accepts.
            SIGTERM and SIGINT drain and stop: accepted requests finish, 30 seconds at the most.
            Access and audit records go to standard output, everything else to standard error.
            """,
        "check": """
            Usage: menwei check --config FILE

            Reads everything that `run` would read and prints every fault as FILE:LINE:COLUMN: message, exit 2;
            warnings alone, or nothing: `ok`, exit 0.
            """,
        "demo": """
            Usage: menwei demo [--port 8443]

            Runs the gateway, the WeCom simulator and a sample application on this machine, with nothing to configure,
            and prints what to open.
            """,
        "simulator": """
            Usage: menwei simulator --listen ADDRESS

            Runs the WeCom simulator alone; ADDRESS is an IP address and a port, such as 127.0.0.1:9443.
            """,
        "doctor": """
            Usage: menwei doctor --config FILE

            Asks WeCom and WeChat what is wrong with each connection: secret, trusted IP, agent id, trusted domain,
            visible range, whether the app is enabled, the departments and tags that rules name. Run it where the gateway runs, as the user it runs as.
            Prints one finding a line, and what to click where something has to be mended:

              ok|warn|fail CONNECTION CHECK: message

            Exit status: 0 nothing fails, 1 something does, 2 wrong usage or configuration.
            """,
        "explain": """
            Usage: menwei explain --config FILE [OPTION]… METHOD URL

            Tells what the gateway would decide about a request. Asks nobody: what is not given does not exist.

              --user U          who asks (a user id); without it there is no session
              --connection C    how U logged in; default: the connection with plain names, or the only one
              --department D    a department of U, or one above it, by its number in the corp of C; may be given several times
              --tag T           a tag of U, by its number; may be given several times
              --ip A            the client's address; without it no network holds it
              --at TIME         when, as 2026-01-31T08:00:00+08:00; without it no hours hold
              --age DURATION    how long ago U logged in, as 15m; without it no max_age is kept

            Exit status: 0 allowed, 3 login, 4 denied or malformed, 5 no such site, 2 wrong usage or configuration.
            """,
        "report": """
            Usage: menwei report --config FILE LOG…

            Reads access records (what the gateway writes to standard output; - is standard input) and tells who would lose or
            gain access under FILE, by site and account: a row for each site, account, change and rule.

              loses      passed, and would be refused
              gains      was refused, and would pass
              login      passed without a session, and would have to log in
              unknown    departments or tags decide, which records do not tell

            The connection is told from the account's name; a max_age counts as kept. Other lines are skipped, and counted where
            they are no records at all. Exit status: 0 done, 1 a file cannot be read, 2 wrong usage or configuration.
            """,
        "keys": """
            Usage: menwei keys --config FILE list [--json]
                   menwei keys --config FILE rotate [--now]

            list     the keys of `signing.keys`, oldest first: kid, algorithm, state, created; with --json a line of JSON each.
                     States: next (published, does not sign yet), signing, previous (what it signed may be live), retired
            rotate   makes a new key for `signing.algorithm`. It is published at once, and signs after ten minutes

              --now  after a theft: the new key signs at once, and all others are removed. What they signed holds no longer, and
                     verifiers that do not look for unknown keys refuse until they fetch the set again, five minutes at the most

            Running gateways, also on other machines with the same folder, notice within seconds and need no signal.
            """,
        "sessions": """
            Usage: menwei sessions --config FILE list [--user ACCOUNT] [--json]
                   menwei sessions --config FILE revoke SID | --user ACCOUNT | --all

            list     prints the live sessions, newest first, with the columns sid account connection created last_seen
                     expires address user_agent hosts; with --json an object a line
            revoke   ends one session, those of an account, or all, at every site, and prints their ids.
                     A running gateway obeys within a second; open connections with them end, WebSockets with 1008

            The store must be sqlite: sessions in memory are seen by the gateway alone.
            """,
        "accounts": """
            Usage: menwei accounts --config FILE ACTION

            Shows and changes the account table. Changes are in force at the next login; sessions whose account is another
            by then end within a second.

              list                         all accounts, in columns
              export                       the same as comma-separated values (UTF-8)
              import CSV                   adds and changes accounts, all of the file or nothing; - reads standard input.
                                           Its head is account,connection,user,name,email,mobile. An account may have several
                                           rows; one without connection and user is not bound yet. What is empty stays as it is
              bind ACCOUNT CONNECTION/USER that user logs in as ACCOUNT, which is made where there is none
              unbind ACCOUNT [CONNECTION]  nobody (of that connection) logs in as ACCOUNT any more
              code ACCOUNT                 prints a one-time code: who enters it when logging in is bound to ACCOUNT
              remove ACCOUNT               forgets ACCOUNT and everything about it

            To be run as the user that runs the gateway. Exit status: 0 done, 1 failed, 2 wrong usage or configuration.
            """,
        "version": """
            Usage: menwei version

            Prints version and commit, and the versions of the C libraries in use.
            """,
    ]
}
