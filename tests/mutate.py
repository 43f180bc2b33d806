#!/usr/bin/env python3
"""mutate.py - single-point mutation testing for C projects (stdlib only).

  mutate.py --root DIR --build 'CMD' --test 'CMD' [options] FILE.c ...

Copies the tree ROOT once per job (-j), runs the build and the tests there once unmutated (they
must pass), then applies one mutant at a time to one file, rebuilds incrementally, runs the tests
under a timeout and restores the file.  ROOT itself is never written to.

Verdicts: killed (test command failed), timeout (counted as killed), uncompilable and equivalent
(object code identical, with --object-check) are left out of the score, survived.
Exit status: 0, or 1 when the score is below --min-score, 2 on a usage or baseline error.

Comments, strings, character constants and preprocessor lines are never mutated.  Suppress a line
with a comment holding `MUTATE_OFF`, a region with MUTATE_OFF_BEGIN / MUTATE_OFF_END, and known
equivalent mutants with --ignore FILE (a line each: id, file, reason; they are tried too, and one
that is no longer made, or is killed, makes the exit status 1; ids hash the file, the function, the
operator, the line's text and which of such lines of the function it is, so they survive edits elsewhere).

Mutants are taken in the order of --seed.  With --log FILE each verdict is noted as it falls, and a
later run takes it from there as long as the mutated file is the same; survivors are tried again,
since tests grow.  The score is over all verdicts known, and --budget SECONDS ends a run early.
The build and the tests find the name of the mutated file in the environment, MUTATE_FILE.
With --witness REGEX the last match of it in what the failing tests printed is noted as "by": which test saw the mutant.
"""
import argparse, bisect, hashlib, json, os, random, re, shutil, signal, subprocess, sys, tempfile, threading, time, queue

KEYWORDS = {'if', 'for', 'while', 'switch', 'return', 'sizeof', 'do', 'else', 'case', 'goto', 'defined',
            '_Static_assert', 'static_assert', '__attribute__', 'typeof', '__typeof__', '_Alignof'}


def blank(src):
    """Same length text: comments, string/char bodies and preprocessor lines replaced by spaces."""
    out = list(src)
    i, n = 0, len(src)
    bol = True

    def wipe(a, b):
        for k in range(a, min(b, n)):
            if out[k] != '\n':
                out[k] = ' '
    while i < n:
        c = src[i]
        if c == '\n':
            bol = True
            i += 1
            continue
        if src.startswith('/*', i):
            e = src.find('*/', i + 2)
            e = n if e < 0 else e + 2
            wipe(i, e)
            i = e
            continue
        if src.startswith('//', i):
            e = src.find('\n', i)
            e = n if e < 0 else e
            wipe(i, e)
            i = e
            continue
        if c == '#' and bol:
            e = i
            while True:
                e = src.find('\n', e)
                if e < 0:
                    e = n
                    break
                if src[e - 1] != '\\':
                    break
                e += 1
            wipe(i, e)
            i = e
            continue
        if c in '"\'':
            e = i + 1
            while e < n and src[e] != c and src[e] != '\n':
                e += 2 if src[e] == '\\' else 1
            for k in range(i + 1, min(e, n)):
                if out[k] != '\n':
                    out[k] = '_'
            i = e + 1
            bol = False
            continue
        if not c.isspace():
            bol = False
        i += 1
    return ''.join(out)


def match(t, i, o='(', c=')'):
    d = 0
    for k in range(i, len(t)):
        if t[k] == o:
            d += 1
        elif t[k] == c:
            d -= 1
            if d == 0:
                return k
    return -1


def function_ranges(t):
    """[start, end) of top level { } that follow a ')': function bodies."""
    res, d, start = [], 0, 0
    for i, ch in enumerate(t):
        if ch == '{':
            if d == 0:
                k = i - 1
                while k >= 0 and t[k].isspace():
                    k -= 1
                start = i if k >= 0 and (t[k] == ')' or t[k] == '_' or t[k].isalnum()) and not is_aggregate(t, i) else -1
            d += 1
        elif ch == '}':
            d -= 1
            if d == 0 and start >= 0:
                res.append((start, i + 1))
    return res


def is_aggregate(t, i):
    head = t[max(t.rfind(';', 0, i), t.rfind('}', 0, i)) + 1:i]
    return re.search(r'=\s*$', head) is not None or re.search(r'\b(struct|union|enum)\b[^()]*$', head) is not None


def stmt_end(t, i):
    """index after the statement that starts at i (block or up to ;)."""
    while i < len(t) and t[i].isspace():
        i += 1
    if i < len(t) and t[i] == '{':
        e = match(t, i, '{', '}')
        return i, (e + 1 if e >= 0 else -1)
    m = re.match(r'(if|for|while|switch|do|else)\b', t[i:])
    if m:
        return i, -1
    d = 0
    for k in range(i, len(t)):
        if t[k] in '([{':
            d += 1
        elif t[k] in ')]}':
            d -= 1
        elif t[k] == ';' and d == 0:
            return i, k + 1
    return i, -1


class Mut:
    def __init__(self, file, a, b, new, op):
        self.file, self.a, self.b, self.new, self.op = file, a, b, new, op
        self.by = None


REL = {'==': ['!='], '!=': ['=='], '<=': ['<', '>'], '>=': ['>', '<'], '<': ['<=', '>='], '>': ['>=', '<=']}


def mutants(path, rel):
    src = open(path, encoding='utf-8', errors='surrogateescape').read()
    t = blank(src)
    out = []

    def add(a, b, new, op):
        if src[a:b] != new:
            out.append(Mut(rel, a, b, new, op))
    for fa, fb in function_ranges(t):
        body = t[fa:fb]
        # relational and logical operators
        for m in re.finditer(r'(?<![<>=!\-+*/%&|^])(==|!=|<=|>=|<|>)(?![<>=])', body):
            if m.group(1) == '>' and body[m.start() - 1:m.start()] == '-':
                continue
            for r in REL[m.group(1)]:
                add(fa + m.start(), fa + m.end(), r, 'relop')
        for m in re.finditer(r'&&|\|\|', body):
            add(fa + m.start(), fa + m.end(), '||' if m.group() == '&&' else '&&', 'logop')
        # arithmetic / bitwise, binary only (an operand on the left)
        for m in re.finditer(r'(?<=[\w\)\]])(\s*)(\+|-|\*|/|%|\||&|\^|<<|>>)(?![=+\-&|<>*])(?=\s*[\w(~!\'"])', body):
            o = m.group(2)
            p = fa + m.start(2)
            left = body[:m.start()].rstrip()
            w = re.search(r'[A-Za-z_]\w*$', left)
            if o in '*&' and (t[p - 1] in ' \t(,' and t[p + 1] not in ' \t'):
                continue        # looks like a declarator or a dereference
            if w and w.group() in KEYWORDS | {'const', 'int', 'char', 'void', 'struct', 'unsigned', 'long'}:
                continue
            new = {'+': '-', '-': '+', '*': '/', '/': '*', '%': '*', '|': '&', '&': '|', '^': '|', '<<': '>>', '>>': '<<'}[o]
            add(p, p + len(o), new, 'arith')
        for m in re.finditer(r'([+\-|&*^])=(?!=)', body):
            new = {'+': '-', '-': '+', '|': '&', '&': '|', '*': '/', '^': '|'}[m.group(1)]
            add(fa + m.start(1), fa + m.start(1) + 1, new, 'assignop')
        for m in re.finditer(r'\+\+|--', body):
            add(fa + m.start(), fa + m.end(), '--' if m.group() == '++' else '++', 'incdec')
        # constants: +1, -1, 0 (inside functions, not in case labels / array sizes)
        for m in re.finditer(r'(?<![\w.])(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)(?![\w.])', body):
            pre = body[:m.start()].rstrip()
            if pre.endswith('case'):
                continue
            try:
                txt = m.group(1)
                v = int(txt, 16 if txt[:2].lower() == '0x' else 8 if len(txt) > 1 and txt[0] == '0' else 10)
            except ValueError:
                continue
            for nv in dict.fromkeys([v + 1, v - 1 if v > 0 else None]):
                if nv is not None:
                    add(fa + m.start(1), fa + m.end(1), str(nv), 'const')
        # character constants: body is blanked, so take the source
        for m in re.finditer(r"'(_+)'", body):
            s = src[fa + m.start():fa + m.end()]
            if len(s) == 3:
                add(fa + m.start(), fa + m.end(), "('%s' + 1)" % s[1] if s[1] not in "\\'" else s, 'charconst')
        # conditions
        for m in re.finditer(r'\b(if|while)\s*\(', body):
            a = fa + m.end() - 1
            e = match(t, a)
            if e < 0 or e > fb:
                continue
            cond = src[a + 1:e]
            add(a + 1, e, '!(' + cond + ')', 'negcond')
            if m.group(1) == 'if':
                add(a + 1, e, '0 && (' + cond + ')', 'condfalse')
                add(a + 1, e, '1 || (' + cond + ')', 'condtrue')
                s, en = stmt_end(t, e + 1)
                if en > 0 and t[s:en].strip() not in ('{}', ';'):
                    add(s, en, '{ }', 'ifbody')
        for m in re.finditer(r'(?<![=!<>])!(?!=)(?=\s*[\w(])', body):
            add(fa + m.start(), fa + m.end(), '', 'negdel')
        for m in re.finditer(r'\?', body):
            d, k = 0, m.end()
            while k < len(body):
                if body[k] in '([{':
                    d += 1
                elif body[k] in ')]}':
                    d -= 1
                elif body[k] == '?':
                    d += 1
                elif body[k] == ':':
                    if d == 0:
                        break
                    d -= 1
                if d < 0:
                    break
                k += 1
            if k < len(body) and body[k] == ':':
                mid = src[fa + m.end():fa + k]
                d, e = 0, k + 1
                while e < len(body):
                    if body[e] in '([{':
                        d += 1
                    elif body[e] in ')]}':
                        d -= 1
                    if d < 0 or (d == 0 and body[e] in ';,'):
                        break
                    e += 1
                add(fa + m.end(), fa + e, src[fa + k + 1:fa + e] + ' :' + mid, 'ternary')
        # statements: remove calls, assignments, break/continue/goto; change return values
        for m in re.finditer(r'(?<=[;{}):])\s*((?:\(void\)\s*)?[A-Za-z_][\w.\->\[\]]*\s*\()', body):
            a = fa + m.start(1)
            name = re.match(r'(?:\(void\)\s*)?([A-Za-z_]\w*)', t[a:]).group(1)
            if name in KEYWORDS:
                continue
            p = fa + m.end(1) - 1
            e = match(t, p)
            if e < 0:
                continue
            k = e + 1
            while k < fb and t[k].isspace():
                k += 1
            if k < fb and t[k] == ';':
                add(a, k + 1, ';', 'delcall')
        for m in re.finditer(r'(?<=[;{}):])\s*(\*?[A-Za-z_][\w.\->]*(?:\[[^\]\n]*\])*\s*[|&+\-]?=(?!=)[^;{}]*;)', body):
            add(fa + m.start(1), fa + m.end(1), ';', 'delassign')
        for m in re.finditer(r'\b(break|continue)\s*;', body):
            add(fa + m.start(), fa + m.end(), ';', 'del' + m.group(1))
        for m in re.finditer(r'\bgoto\s+\w+\s*;', body):
            add(fa + m.start(), fa + m.end(), ';', 'delgoto')
        for m in re.finditer(r'\breturn\b\s*([^;]+);', body):
            v = src[fa + m.start(1):fa + m.end(1)].strip()
            a, b = fa + m.start(1), fa + m.end(1)
            if v in ('true', 'false'):
                add(a, b, 'false' if v == 'true' else 'true', 'retval')
            elif v == 'NULL':
                pass
            else:
                add(a, b, '0', 'retval')
                if re.fullmatch(r'-?\s*[\w\->.]+', v) and v != '0':
                    add(a, b, v[1:].strip() if v.startswith('-') else '-(' + v + ')', 'retneg')
                if v == '0':
                    add(a, b, '-1', 'retval')
    # suppression, dedupe, ids
    lines = src.split('\n')
    starts = [0]
    for ln in lines:
        starts.append(starts[-1] + len(ln) + 1)
    off, reg = set(), False
    for i, ln in enumerate(lines):
        if 'MUTATE_OFF_BEGIN' in ln:
            reg = True
        if reg or re.search(r'\bMUTATE_OFF\b', ln):
            off.add(i)
        if 'MUTATE_OFF_END' in ln:
            reg = False
    seen, res, occ, count, function = set(), [], {}, {}, [''] * len(lines)
    for fa, fb in function_ranges(t):
        name = re.search(r'(\w+)\s*\(', t[max(t.rfind(';', 0, fa), t.rfind('}', 0, fa)) + 1:fa])
        for i in range(bisect.bisect_right(starts, fa) - 1, bisect.bisect_right(starts, fb - 1)):
            function[i] = name.group(1) if name else ''
    for i, ln in enumerate(lines):
        k = (function[i], ln.strip())
        occ[i] = count.get(k, 0)
        count[k] = occ[i] + 1
    for m in sorted(out, key=lambda x: (x.a, x.b, x.op, x.new)):
        key = (m.a, m.b, m.new)
        m.line = bisect.bisect_right(starts, m.a)
        if key in seen or m.line - 1 in off:
            continue
        seen.add(key)
        m.old = src[m.a:m.b]
        m.text = lines[m.line - 1].strip()
        m.function = function[m.line - 1]
        h = '\0'.join([rel, m.function, m.op, m.text, str(occ[m.line - 1]), str(m.a - starts[m.line - 1] - (len(lines[m.line - 1]) - len(lines[m.line - 1].lstrip()))), m.new])
        m.id = hashlib.sha256(h.encode('utf-8', 'surrogateescape')).hexdigest()[:12]
        res.append(m)
    return src, res


def run(cmd, cwd, timeout, env=None):
    """(status or 'timeout', output); kills the whole session, and daemons that kept it."""
    with tempfile.TemporaryFile() as f:
        p = subprocess.Popen(cmd, shell=True, cwd=cwd, stdin=subprocess.DEVNULL, stdout=f, stderr=f, start_new_session=True, env=env)
        try:
            r = p.wait(timeout)
        except subprocess.TimeoutExpired:
            r = 'timeout'
        try:
            os.killpg(p.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        p.wait()
        f.seek(0)
        return r, f.read()[-4000:].decode('utf-8', 'replace')


def kill_strays(marker):
    """Kill processes whose initial environment holds MUTATE_JOB=marker: daemons that left the
    session.  One that execs with an emptied environment escapes this."""
    for d in os.listdir('/proc'):
        if d.isdigit() and int(d) != os.getpid():
            try:
                with open('/proc/%s/environ' % d, 'rb') as f:
                    if ('MUTATE_JOB=' + marker).encode() in f.read().split(b'\0'):
                        os.kill(int(d), signal.SIGKILL)
            except OSError:
                pass


def verdicts_of(log, muts, digest):
    """{id: (mutant, verdict, seconds)} of an earlier run, where the mutated file is still the same."""
    known = {}
    if log and os.path.exists(log):
        for line in open(log):
            one = json.loads(line)
            m = muts.get(one['id'])
            if m and one['digest'] == digest[m.file]:
                known[m.id] = (m, one['verdict'], one['seconds'])
                m.by = one.get('by')
    return known


def note(log, m, verdict, seconds, digest):
    if log:
        with open(log, 'a') as f:
            f.write(json.dumps({'id': m.id, 'verdict': verdict, 'seconds': round(seconds, 3), 'digest': digest,
                                'by': m.by}) + '\n')


def witness(pattern, output):
    found = re.findall(pattern, output, re.M) if pattern else []
    return found[-1] if found else None


def by_file(made, known, listed):
    """How many mutants each file has, and what became of them; what is in none of the other counts was not tried."""
    files = {}
    for m in made:
        one = files.setdefault(m.file, dict(made=0, killed=0, survived=0, listed=0, uncompilable=0, equivalent=0))
        one['made'] += 1
        verdict = known[m.id][1] if m.id in known else None
        if verdict == 'survived' and m.id in listed:
            one['listed'] += 1
        elif verdict:
            one['killed' if verdict == 'timeout' else verdict] += 1
    return files


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('files', nargs='+', help='C files, relative to --root')
    ap.add_argument('--root', default='.')
    ap.add_argument('--build', required=True)
    ap.add_argument('--test', required=True)
    ap.add_argument('--build-timeout', type=float, default=300)
    ap.add_argument('--timeout', type=float, default=0, help='per test run; default 5 x the baseline + 2 s')
    ap.add_argument('-j', '--jobs', type=int, default=os.cpu_count() or 1)
    ap.add_argument('--sample', type=int, default=0, help='at most N mutants, drawn with --seed')
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--ops', default='', help='comma separated operators (default all)')
    ap.add_argument('--lines', default='', help='FILE:A-B,... only these lines')
    ap.add_argument('--ignore', help='file of mutant ids known to be equivalent')
    ap.add_argument('--leave-ignored', action='store_true', help='do not try these: a later run does')
    ap.add_argument('--only', help='comma separated ids (re-run survivors)')
    ap.add_argument('--object-check', default='', help="shell command printing a digest of what an optimising compiler makes of $MUTATE_FILE; asked for survivors; equal to the unmutated one's => equivalent")
    ap.add_argument('--exclude', action='append', default=['.git'], help='names not copied')
    ap.add_argument('--work', help='folder for the copies (default: a temporary folder)')
    ap.add_argument('--report', help='JSON report')
    ap.add_argument('--log', help='JSON lines: verdicts as they fall, taken up again by a later run')
    ap.add_argument('--witness', default='', help="regular expression with one group: a failing test's name in its output")
    ap.add_argument('--budget', type=float, default=0, help='begin no mutant after so many seconds')
    ap.add_argument('--min-score', type=float, default=0)
    ap.add_argument('--list', action='store_true', help='only list the mutants')
    ap.add_argument('-q', '--quiet', action='store_true')
    o = ap.parse_args()
    root = os.path.abspath(o.root)
    srcs, muts = {}, []
    for f in o.files:
        rel = os.path.relpath(os.path.join(root, f), root)
        srcs[rel], ms = mutants(os.path.join(root, rel), rel)
        muts += ms
    if o.ops:
        want = set(o.ops.split(','))
        muts = [m for m in muts if m.op in want]
    if o.lines:
        rng = []
        for part in o.lines.split(','):
            f, r = part.rsplit(':', 1)
            a, _, b = r.partition('-')
            rng.append((f, int(a), int(b or a)))
        muts = [m for m in muts if any(m.file == f and a <= m.line <= b for f, a, b in rng)]
    listed, stale = set(), []
    if o.ignore and os.path.exists(o.ignore):
        lines = [ln.split() for ln in open(o.ignore) if ln.strip() and not ln.startswith('#')]
        made = {m.id for m in muts}
        listed = {words[0] for words in lines}
        if not o.ops and not o.lines:
            stale = [' '.join(words[:2]) + ' is not made' for words in lines if words[1] in srcs and words[0] not in made]
    if o.only:
        muts = [m for m in muts if m.id in set(o.only.split(','))]
    everything, total = muts[:], len(muts)
    digest = {f: hashlib.sha256(s.encode('utf-8', 'surrogateescape')).hexdigest()[:12] for f, s in srcs.items()}
    known = verdicts_of(o.log, {m.id: m for m in muts}, digest)
    random.Random(o.seed).shuffle(muts)
    if o.sample:
        muts = muts[:o.sample]
    if not o.list:
        muts = [m for m in muts if m.id not in known or known[m.id][1] == 'survived']
        muts = [m for m in muts if not (o.leave_ignored and m.id in listed)]
    else:
        muts.sort(key=lambda m: (m.file, m.a))
    if o.list:
        for m in muts:
            print('%s %s:%d %s: %r -> %r' % (m.id, m.file, m.line, m.op, m.old[:60], m.new[:60]))
        print('%d mutants' % len(muts))
        return 0
    work = o.work or tempfile.mkdtemp(prefix='mutate.')
    os.makedirs(work, exist_ok=True)
    jobs = max(1, min(o.jobs, len(muts) or 1))
    q = queue.Queue()
    for m in muts:
        q.put(m)
    lock, res, t0, err = threading.Lock(), [], time.time(), []

    pats = shutil.ignore_patterns(*o.exclude)

    def skip(folder, names):
        # CMake build trees hold absolute paths: useless, even harmful, in a copy
        return set(pats(folder, names)) | {x for x in names if os.path.exists(os.path.join(folder, x, 'CMakeCache.txt'))}

    def worker(j):
        d = os.path.join(work, 'j%d' % j)
        shutil.rmtree(d, ignore_errors=True)
        shutil.copytree(root, d, symlinks=True, ignore=skip)
        env = dict(os.environ, MUTATE_JOB='%d.%d' % (os.getpid(), j))
        r, out = run(o.build, d, o.build_timeout, env)
        if r != 0:
            err.append('baseline build failed (%s):\n%s' % (r, out))
            return
        t = time.time()
        r, out = run(o.test, d, o.timeout or 600, env)
        kill_strays(env['MUTATE_JOB'])
        if r != 0:
            err.append('baseline tests failed (%s):\n%s' % (r, out))
            return
        tmo = o.timeout or 5 * (time.time() - t) + 2
        ref = {}
        while not err and not (o.budget and time.time() - t0 > o.budget):
            try:
                m = q.get_nowait()
            except queue.Empty:
                return
            p = os.path.join(d, m.file)
            env['MUTATE_FILE'] = m.file
            s = srcs[m.file]
            mt = time.time()
            with open(p, 'w', encoding='utf-8', errors='surrogateescape') as f:
                f.write(s[:m.a] + m.new + s[m.b:])
            r, out = run(o.build, d, o.build_timeout, env)
            if r != 0:
                v = 'uncompilable'
            else:
                r, out = run(o.test, d, tmo, env)
                kill_strays(env['MUTATE_JOB'])
                v = 'survived' if r == 0 else 'timeout' if r == 'timeout' else 'killed'
                if m.id in listed and v != 'survived':
                    stale.append(m.id + ' ' + m.file + ' is killed')
                m.by = witness(o.witness, out) if v == 'killed' else None
            mutated = run(o.object_check, d, 60, env)[1] if v == 'survived' and o.object_check else None
            with open(p, 'w', encoding='utf-8', errors='surrogateescape') as f:
                f.write(s)
            if mutated is not None:
                if m.file not in ref:
                    ref[m.file] = run(o.object_check, d, 60, env)[1]
                if ref[m.file] == mutated:
                    v = 'equivalent'
            with lock:
                res.append((m, v, time.time() - mt))
                known[m.id] = res[-1]
                note(o.log, m, v, time.time() - mt, digest[m.file])
                if not o.quiet and (v == 'survived' or len(res) % 50 == 0):
                    print('[%d/%d] %s %s:%d %s: %r -> %r' % (len(res), len(muts), v, m.file, m.line, m.op, m.old[:50], m.new[:50]), flush=True)
    th = [threading.Thread(target=worker, args=(j,)) for j in range(jobs)]
    for x in th:
        x.start()
    try:
        for x in th:
            x.join()
    except KeyboardInterrupt:
        err.append('interrupted')
        for x in th:
            x.join()
    if not o.work:
        shutil.rmtree(work, ignore_errors=True)
    if err:
        print('mutate: ' + err[0], file=sys.stderr)
        return 2
    this_run = len(res)
    ignored = sum(m.id in listed and v == 'survived' for m, v, _ in known.values())
    res = [one for one in known.values() if not (one[0].id in listed and one[1] == 'survived')]
    cnt = {k: sum(1 for _, v, _ in res if v == k) for k in ('killed', 'timeout', 'survived', 'uncompilable', 'equivalent')}
    valid = cnt['killed'] + cnt['timeout'] + cnt['survived']
    score = 100.0 * (cnt['killed'] + cnt['timeout']) / valid if valid else 100.0
    byop = {}
    for m, v, _ in res:
        if v in ('killed', 'timeout', 'survived'):
            a = byop.setdefault(m.op, [0, 0])
            a[1] += 1
            a[0] += v != 'survived'
    print('mutants %d of %d tried (%d now, %d ignored), %s' % (len(res), total, this_run, ignored, ', '.join('%s %d' % kv for kv in cnt.items())))
    print('by operator: ' + ', '.join('%s %d/%d' % (k, a, b) for k, (a, b) in sorted(byop.items())))
    for m, v, _ in sorted(res, key=lambda x: (x[0].file, x[0].a)):
        if v == 'survived':
            print('SURVIVED %s %s:%d %s: %r -> %r   | %s' % (m.id, m.file, m.line, m.op, m.old[:50], m.new[:50], m.text[:80]))
    print('score %.1f %% (%.1f s, %.2f s a mutant)' % (score, time.time() - t0, (time.time() - t0) / max(1, this_run)))
    if o.report:
        with open(o.report, 'w') as f:
            json.dump({'score': score, 'counts': cnt, 'total': total, 'tried': len(res), 'ignored': ignored, 'seed': o.seed,
                       'files': by_file(everything, known, listed),
                       'mutants': [dict(id=m.id, file=m.file, line=m.line, op=m.op, old=m.old, new=m.new, verdict=v, seconds=round(s, 3), by=m.by) for m, v, s in res]}, f, indent=1)
    for line in stale:
        print('LISTED as equivalent in ' + o.ignore + ', but ' + line)
    return 1 if score < o.min_score or stale else 0


if __name__ == '__main__':
    sys.exit(main())
