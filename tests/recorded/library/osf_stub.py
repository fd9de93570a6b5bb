"""Answer with what the play says, or die in the way it says: the only module of the recordings."""

import sys

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule({"answer": {"type": "dict", "default": {}}, "end": {"type": "str", "default": "well"}})
    if module.params["end"] == "crash":
        raise ZeroDivisionError("division by zero")
    if module.params["end"] == "die":
        sys.stderr.write("Killed\nCannot allocate memory\n")
        sys.exit(7)
    if module.params["end"] == "fail":
        module.fail_json(**module.params["answer"])
    module.exit_json(**module.params["answer"])


main()
