# Sourced by the steps that talk to Python's packages: SESSILE_PYTHON is an interpreter that has them.
command -v python3 >/dev/null || { echo 'NO PYTHON 3: apt-get install python3 python3-venv' >&2; exit 75; }
venv=$SESSILE_TARGET/python
wanted=tests/python/requirements.txt
# Made anew when other versions are wanted.
if ! cmp -s "$wanted" "$venv/installed.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv" || {
        rm -rf "$venv"
        echo 'NO VENV MODULE: apt-get install python3-venv' >&2
        exit 75
    }
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted"
    cp "$wanted" "$venv/installed.txt"
fi
export SESSILE_PYTHON=$venv/bin/python3
