"""Find the processes of a program without a service manager, by its pid file, executable or command line.

Processes that only mention the program do not count: an editor with its configuration, a ``tail -f`` of its log, a
shell or an ssh with its name as an argument. This process and its parents do not count either. A tool counts if the
definition names it, as for ``rsync --daemon``.
"""

from __future__ import annotations

import os
import re
from typing import Any, Iterator, Mapping, NamedTuple, Sequence

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.host import paths, pidfiles, proc

BYSTANDERS = frozenset(
    (
        *("tail", "less", "more", "most", "cat", "head", "grep", "egrep", "fgrep", "zgrep", "rg", "ag", "awk", "gawk"),
        *("mawk", "sed", "find", "xargs", "watch", "diff", "sort", "cut", "jq", "ls", "stat", "file", "cp", "mv", "rm"),
        *("vi", "vim", "vim.basic", "vim.tiny", "nvim", "view", "nano", "emacs", "joe", "mcedit", "ed", "pico"),
        *("ps", "pgrep", "pkill", "pidof", "killall", "kill", "top", "htop", "lsof", "fuser", "strace", "gdb"),
        *("tcpdump", "perf", "journalctl", "systemctl", "service", "logger", "multitail", "inotifywait"),
        *("ssh", "scp", "sftp", "rsync", "sudo", "su", "doas", "runuser", "screen", "SCREEN", "tmux", "script", "man"),
        *("timeout", "setsid", "nohup", "env", "nice", "ionice", "time", "curl", "wget", "git", "tar", "make"),
        *("ansible", "ansible-playbook", "ansible-runner", "os-faults", "os-inject-fault", "salt-call", "crm", "pcs"),
    )
)
"""Programs whose command line may contain the name of another program."""

HANDLES = ("pidfile", "executable", "grep")
"""Keys of a definition that identify a program."""

_SHELL = r"-?(ba|da|k|z|a)?sh"
_INTERPRETER = r"-?((ba|da|k|z|a)?sh|python[0-9.]*|perl[0-9.]*|ruby[0-9.]*|php[0-9.]*|node|lua[0-9.]*)"


class Candidate(NamedTuple):
    """A process with its command line and executable."""

    pid: int
    argv: tuple[str, ...]
    """Its command line, word by word."""
    exe: str
    """The path of its executable; empty if it can't be read."""


def script_of(argv: Sequence[str]) -> str:
    """Return the script of an interpreter; empty for other programs, and for code on the command line.

    >>> script_of(("/usr/bin/python3", "-u", "/usr/bin/nova-api", "--config-file", "x")), script_of(("sh", "-c", "x"))
    ('/usr/bin/nova-api', '')
    """
    if not argv or not re.fullmatch(_INTERPRETER, os.path.basename(argv[0])):
        return ""
    words = iter(argv[1:])
    for word in words:
        if not word.startswith("-"):
            return word
        if word in ("-W", "-X") and os.path.basename(argv[0]).startswith("python"):
            next(words, None)
        if word in ("-c", "-m", "-e") or (_is_shell(argv) and _has_letter(word, "c")):
            return ""
    return ""


def _is_shell(argv: Sequence[str]) -> bool:
    return bool(re.fullmatch(_SHELL, os.path.basename(argv[0])))


def _has_letter(word: str, letter: str) -> bool:
    return word.startswith("-") and not word.startswith("--") and letter in word


def bystanders(definition: Mapping[str, Any]) -> frozenset[str]:
    """Return the tools that do not count for a definition: all except those that it names.

    >>> named = ({"executable": "/usr/bin/rsync"}, {"grep": "^/usr/bin/rsync --daemon"}, {"grep": "rsync"})
    >>> ["rsync" in bystanders(each) for each in named]
    [False, False, True]
    """
    executable = str(definition.get("executable") or "")
    leading = re.match(r"\^([\w/.-]+)", str(definition.get("grep") or ""))
    paths_named = [leading.group(1)] if leading else []
    if executable:  # the real path of an empty one is the working directory
        paths_named += [executable, os.path.realpath(executable)]
    return BYSTANDERS - {os.path.basename(path) for path in paths_named}


def is_bystander(candidate: Candidate, names: frozenset[str] = BYSTANDERS) -> bool:
    """Return whether a process is one of the tools ``names``, or a shell with ``-c``.

    >>> is_bystander(Candidate(7, ("tail", "-f", "/var/log/web.log"), "/usr/bin/tail"))
    True
    >>> is_bystander(Candidate(7, ("/bin/sh", "/usr/bin/mysqld_safe"), "/usr/bin/dash"))
    False
    """
    words = (candidate.argv[0], candidate.exe, script_of(candidate.argv))
    if names.intersection(os.path.basename(word).lstrip("-") for word in words):
        return True
    options = []
    for word in candidate.argv[1:]:
        if not word.startswith("-"):
            break
        options.append(word)
    return _is_shell(candidate.argv) and any(_has_letter(word, "c") for word in options)


def runs(candidate: Candidate, definition: Mapping[str, Any]) -> bool:
    """Return whether a process is the program of a definition with ``executable`` or ``grep``.

    Args:
        candidate: the process.
        definition: ``executable`` is the path of a binary or a script; ``grep`` an extended regular expression that
            matches the command line, with its words joined by spaces.

    >>> web = Candidate(7, ("/usr/bin/python3", "-m", "http.server", "8080"), "/usr/bin/python3.11")
    >>> runs(web, {"grep": "http.server 80"}), runs(web, {"executable": "/usr/bin/python3"})
    (True, False)
    """
    if not candidate.argv or is_bystander(candidate, bystanders(definition)):
        return False
    if "grep" in definition:
        return re.search(definition["grep"], " ".join(candidate.argv)) is not None
    wanted = definition["executable"]
    return wanted in (candidate.exe, script_of(candidate.argv))


def candidates(grep: str = "") -> Iterator[Candidate]:
    """Yield every process of this host whose command line matches an expression."""
    for name in os.listdir("/proc"):
        argv = _argv(name) if name.isdigit() else ()
        if argv and re.search(grep, " ".join(argv)):
            yield Candidate(int(name), argv, _exe(name))


def _argv(name: str) -> tuple[str, ...]:
    try:
        line = proc.read(f"/proc/{name}/cmdline").rstrip("\0")
    except OSError:
        return ()
    return tuple(line.split("\0")) if line else ()


def _exe(name: str) -> str:
    try:
        path = os.readlink(f"/proc/{name}/exe")
    except OSError:
        return ""
    # A program that was replaced by a newer one still runs.
    return path[: -len(" (deleted)")] if path.endswith(" (deleted)") else path


def mains(definition: Mapping[str, Any], user: int | None = None) -> list[pidfiles.Named]:
    """Return the main processes of a program; none if it is down.

    Args:
        definition: ``pidfile``, ``executable`` or ``grep``.
        user: its user, for ``executable`` and ``grep``: only processes of this user and of root count. None if the user
            is unknown; then all processes must belong to one user.

    Raises:
        Refused: its pid file is not trusted, or programs of several users match.
    """
    if "pidfile" in definition:
        main = pidfiles.read(str(definition["pidfile"]))
        return [main] if main else []
    own = set(proc.ancestors())
    asked = [definition]
    if "executable" in definition:
        asked.append(dict(definition, executable=os.path.realpath(str(definition["executable"]))))
    found = {each.pid for each in candidates(definition.get("grep", "")) if any(runs(each, one) for one in asked)}
    return [pidfiles.Named(pid, None) for pid in _of_one_user(found - own, user)]


def _of_one_user(pids: set[int], user: int | None) -> list[int]:
    """Return the main processes among some pids.

    Any user can run a program that matches. If programs of several users match, each choice may be wrong, so none is
    made.

    Raises:
        Refused: they belong to several users, and ``user`` is None.
    """
    owners = {pid: users[0] for pid, users in ((pid, proc.users(pid)) for pid in pids) if users}
    if user is not None:
        owners = {pid: owner for pid, owner in owners.items() if owner in (0, user)}
    outer = [each.pid for each in proc.outermost(owners, proc.all_stats())] if owners else []
    if user is None and len({owners[pid] for pid in outer}) > 1:
        raise errors.Refused(_whose({pid: owners[pid] for pid in outer}))
    return sorted(outer)


def _whose(owners: Mapping[int, int]) -> str:
    """Return a sentence about processes (pid → user), with the first process of each user."""
    first = {owner: pid for pid, owner in sorted(owners.items(), reverse=True)}
    told = [f"process {pid:d} of {paths.user_of(owner)}" for owner, pid in sorted(first.items())][:5]
    return (
        f"programs of several users look like it: {', '.join(told)}; "
        "give it a pidfile where only root can write, or an executable or grep that only its own processes match, "
        "or end the others"
    )


def pids(definition: Mapping[str, Any], user: int | None = None) -> list[int]:
    """Return all pids of a program: its main processes and their descendants.

    For arguments and errors see `mains`.
    """
    found = mains(definition, user)
    if "pidfile" in definition:
        return [pid for main in found for pid in pidfiles.tree(main)]
    return sorted(set(proc.trees(main.pid for main in found)) - set(proc.ancestors()))
