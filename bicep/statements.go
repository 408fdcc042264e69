// SPDX-License-Identifier: Apache-2.0

package bicep

// program reads statements to the end of the file.
func (p *parser) program() []Statement {
	var list []Statement
	for p.kind() != EndOfFile {
		if p.accept(NewLine) {
			continue
		}
		s := p.statement("")
		list = append(list, s)
		if _, bad := s.(*BadStatement); bad {
			continue
		}
		if k := p.kind(); k != NewLine && k != EndOfFile {
			start := p.pos
			p.fail("BCP019", "here should be the end of the line")
			p.skipTo(start, false, NewLine)
		}
	}
	return list
}

// A reader reads a statement behind its first word.
type reader func(begin int, d Decorators) Statement

// reader finds how to read the statement that begins with a word, nil if none does.
func (p *parser) reader(word string) reader {
	if p.params {
		return p.parameterReader(word)
	}
	switch word {
	case "targetScope":
		return p.targetScope
	case "metadata":
		return p.metadata
	case "type":
		return p.typeDecl
	case "param":
		return p.param
	case "var":
		return p.variable
	case "func":
		return p.function
	case "resource":
		return p.resource
	case "output":
		return p.output
	case "module":
		return p.module
	case "test":
		return p.test
	case "import":
		return p.importing
	case "extension":
		return p.extension
	case "assert":
		return p.assert
	}
	return nil
}

// parameterReader is reader for parameter files.
func (p *parser) parameterReader(word string) reader {
	switch word {
	case "using":
		return p.using
	case "extends":
		return p.extends
	case "param":
		return p.assignment
	case "var":
		return p.variable
	case "import":
		return p.importing
	case "extensionConfig":
		return p.extensionConfig
	case "extension":
		return p.extension
	case "type":
		return p.typeDecl
	}
	return nil
}

// statement reads one statement with its decorators. With only set no other word may begin it.
func (p *parser) statement(only string) Statement {
	start := p.pos
	begin := p.peek().Start
	decorators := Decorators{p.decoratorList()}
	t := p.peek()
	if t.Kind == Identifier && (only == "" || p.text(t) == only) {
		if read := p.reader(p.text(t)); read != nil {
			p.pos++
			return read(begin, decorators)
		}
	}
	if len(decorators.List) > 0 && !p.params {
		p.here("BCP132", "a decorator must stand before a declaration")
		if t.Kind == Identifier || t.Kind != NewLine && t.Kind != EndOfFile && t.Kind != RightBrace {
			p.fail("BCP007", "no declaration begins with this word")
			p.skipTo(p.pos, true, NewLine)
		}
		return &BadStatement{p.from(begin), decorators}
	}
	p.fail("BCP007", "no declaration begins with this")
	bad := p.skipTo(start, false, NewLine)
	return &BadStatement{bad.Span, decorators}
}

// decoratorList reads decorators, each on a line of its own.
func (p *parser) decoratorList() []Decorator {
	var list []Decorator
	for p.kind() == At {
		begin := p.read().Start
		start := p.pos
		call := p.or(start, p.decoratorCall(), false, NewLine)
		list = append(list, Decorator{p.from(begin), call})
		if k := p.kind(); k != NewLine && k != EndOfFile {
			p.fail("BCP019", "here should be the end of the line")
			p.skipTo(p.pos, false, NewLine)
		}
		p.newLines()
	}
	return list
}

func (p *parser) decoratorCall() Expr {
	t := p.peek()
	if t.Kind != Identifier {
		p.fail("BCP123", "here should be the name of a namespace or a decorator")
		return nil
	}
	p.pos++
	name := Name{t.Span, p.text(t)}
	var e Expr = &Ident{t.Span, name.Text}
	if p.kind() == LeftParen {
		e = &Call{t.Span, name, nil}
		if !p.finishCall(e, complexLiterals) {
			return nil
		}
	}
	for p.accept(Dot) {
		name := p.nameOrNothing()
		if p.kind() == LeftParen {
			e = &MethodCall{p.from(t.Start), e, name, nil}
			if !p.finishCall(e, complexLiterals) {
				return nil
			}
		} else {
			e = &Property{p.from(t.Start), e, false, name}
		}
	}
	return e
}

// value reads what stands behind the equals sign of a statement.
func (p *parser) value(silent bool) Expr {
	silent = p.needChar(Assignment, "=", silent, NewLine)
	start := p.pos
	return p.or(start, p.expression(complexLiterals), silent, NewLine)
}

func (p *parser) targetScope(begin int, d Decorators) Statement {
	v := p.value(false)
	return &TargetScope{p.from(begin), d, v}
}

func (p *parser) metadata(begin int, d Decorators) Statement {
	name, silent := p.name("BCP154", "a note", Assignment, NewLine)
	v := p.value(silent)
	return &Metadata{p.from(begin), d, name, v}
}

func (p *parser) typeDecl(begin int, d Decorators) Statement {
	name, silent := p.name("BCP279", "a type", Assignment, NewLine)
	p.needChar(Assignment, "=", silent, NewLine)
	start := p.pos
	t := p.or(start, p.typed(false), silent, Assignment, LeftBrace, NewLine)
	return &TypeDecl{p.from(begin), d, name, t}
}

func (p *parser) param(begin int, d Decorators) Statement {
	name, silent := p.name("BCP013", "a parameter", Identifier, NewLine)
	start := p.pos
	t := p.or(start, p.typed(false), silent, Assignment, LeftBrace, NewLine)
	s := &Param{Decorators: d, Name: name, Type: t}
	start = p.pos
	switch p.kind() {
	case NewLine, EndOfFile:
	case Assignment:
		p.pos++
		start = p.pos
		s.Default = p.or(start, p.expression(complexLiterals), false, NewLine)
	default:
		p.fail("BCP008", "here should be = or the end of the line")
		p.skipTo(start, hollow(t), NewLine)
	}
	s.Span = p.from(begin)
	return s
}

func (p *parser) assignment(begin int, d Decorators) Statement {
	name, silent := p.name("BCP013", "a parameter", Identifier, NewLine)
	v := p.value(silent)
	return &Param{p.from(begin), d, name, nil, v}
}

func (p *parser) variable(begin int, d Decorators) Statement {
	name, silent := p.name("BCP015", "a variable", Identifier, NewLine)
	var t Expr
	switch p.kind() {
	case NewLine, EndOfFile, Assignment:
	default:
		start := p.pos
		t = p.or(start, p.typed(false), silent, Assignment, NewLine)
		silent = hollow(t)
	}
	v := p.value(silent)
	return &Var{p.from(begin), d, name, t, v}
}

func (p *parser) output(begin int, d Decorators) Statement {
	name, silent := p.name("BCP016", "an output", Identifier, NewLine)
	start := p.pos
	t := p.or(start, p.typed(true), silent, Assignment, NewLine)
	v := p.value(hollow(t))
	return &Output{p.from(begin), d, name, t, v}
}

func (p *parser) assert(begin int, d Decorators) Statement {
	name, silent := p.name("BCP344", "an assertion", Assignment, NewLine)
	v := p.value(silent)
	return &Assert{p.from(begin), d, name, v}
}

// pathString reads a string that names a type or a file.
func (p *parser) pathString(silent bool, code, what string, stops ...Kind) Expr {
	start := p.pos
	var e Expr
	if k := p.kind(); k == StringComplete || k == StringLeftPiece {
		e = p.stringLiteral()
	}
	if _, bad := e.(*Bad); bad || e == nil {
		p.pending = fault{code, "here should be " + what + ", in single quotes", p.tokens[start].Span}
		return p.skipTo(start, silent, append(stops, NewLine)...)
	}
	return e
}

func (p *parser) resource(begin int, d Decorators) Statement {
	s := &Resource{Decorators: d}
	var silent bool
	s.Name, silent = p.name("BCP017", "a resource", StringComplete, StringLeftPiece, NewLine)
	s.Type = p.pathString(silent, "BCP068", "the type of the resource, as 'Provider/type@version'", Assignment)
	if p.isWord(p.peek(), "existing") {
		p.pos++
		s.Existing = true
	}
	s.Body = p.statementBody(hollow(s.Type), nestedResources|complexLiterals)
	s.Span = p.from(begin)
	return s
}

func (p *parser) module(begin int, d Decorators) Statement {
	s := &Module{Decorators: d}
	var silent bool
	s.Name, silent = p.name("BCP096", "a module", StringComplete, StringLeftPiece, NewLine)
	s.Path = p.pathString(silent, "BCP097", "the path of the module", Assignment)
	s.Body = p.statementBody(hollow(s.Path), complexLiterals)
	s.Span = p.from(begin)
	return s
}

// statementBody reads the equals sign and the body of a resource or module.
func (p *parser) statementBody(silent bool, flags exprFlags) Expr {
	silent = p.needChar(Assignment, "=", silent, LeftBrace, NewLine)
	if next := p.beyond(p.pos); !silent && p.isWord(p.tokens[next], "if") {
		p.pos = next
	}
	start := p.pos
	var e Expr
	switch t := p.peek(); {
	case p.isWord(t, "if"):
		e = p.condition(flags, false)
	case t.Kind == LeftBrace:
		e = p.object(flags)
	case t.Kind == LeftSquare:
		e = p.loop(flags, true)
	default:
		p.fail("BCP118", "here should be {, [ or the word if")
	}
	return p.or(start, e, silent, NewLine)
}

func (p *parser) test(begin int, d Decorators) Statement {
	name, silent := p.name("BCP345", "a test", StringComplete, StringLeftPiece, NewLine)
	path := p.pathString(silent, "BCP346", "the path of the file to test", Assignment)
	silent = p.needChar(Assignment, "=", hollow(path), LeftBrace, NewLine)
	start := p.pos
	body := p.or(start, p.object(complexLiterals), silent, NewLine)
	return &Test{p.from(begin), d, name, path, body}
}

func (p *parser) function(begin int, d Decorators) Statement {
	s := &Func{Decorators: d}
	var silent bool
	s.Name, silent = p.name("BCP015", "a function", Assignment, NewLine)
	start := p.pos
	if !p.signature(s) {
		p.skipTo(start, silent, NewLine)
		s.Result, s.Body = &Bad{p.from(p.last())}, &Bad{p.from(p.last())}
	}
	s.Span = p.from(begin)
	return s
}

// signature reads the parameters, the result type and the body of a function.
func (p *parser) signature(s *Func) bool {
	ok := p.parenthesized(true, func() Expr {
		begin := p.peek().Start
		name := Name{}
		if t := p.peek(); t.Kind == Identifier {
			p.pos++
			name = Name{t.Span, p.text(t)}
		} else {
			p.here("BCP015", "here should be the name of a parameter")
		}
		start := p.pos
		t := p.or(start, p.typed(false), false, NewLine, Comma, RightParen)
		s.Params = append(s.Params, TypedName{p.from(begin), name, t})
		return t
	})
	if !ok {
		return false
	}
	start := p.pos
	s.Result = p.or(start, p.typed(false), false, NewLine, RightParen)
	arrow := !p.needChar(Arrow, "=>", false, NewLine, RightParen)
	if next := p.beyond(p.pos); arrow && !p.beginsStatement(p.tokens[next]) {
		p.pos = next
	}
	start = p.pos
	s.Body = p.or(start, p.expression(complexLiterals), false, NewLine, RightParen)
	return true
}

// beginsStatement says whether a name is one that statements begin with, so that the line before it seems to be unfinished.
func (p *parser) beginsStatement(t Token) bool {
	if t.Kind != Identifier {
		return false
	}
	switch p.text(t) {
	case "metadata", "type", "param", "var", "resource", "output", "module", "import", "assert":
		return true
	}
	return false
}

func (p *parser) extension(begin int, d Decorators) Statement {
	s := &Extension{Decorators: d}
	if t := p.peek(); t.Kind == Identifier {
		p.pos++
		s.Spec = &Ident{t.Span, p.text(t)}
	} else {
		s.Spec = p.pathString(false, "BCP201", "the name of an extension")
	}
	silent := hollow(s.Spec)
	if k := p.kind(); k != NewLine && k != EndOfFile && !p.isWord(p.peek(), "as") {
		start := p.pos
		s.Config = p.or(start, p.with(), silent, NewLine)
		silent = hollow(s.Config)
	}
	if k := p.kind(); k != NewLine && k != EndOfFile {
		start := p.pos
		if p.word("as") {
			s.Alias, _ = p.name("BCP202", "an extension", NewLine)
		} else {
			p.skipTo(start, silent, NewLine)
		}
	}
	s.Span = p.from(begin)
	return s
}

// with reads the word with and an object.
func (p *parser) with() Expr {
	if !p.word("with") {
		return nil
	}
	start := p.pos
	return p.or(start, p.object(complexLiterals), false, NewLine)
}

func (p *parser) importing(begin int, d Decorators) Statement {
	s := &Import{Decorators: d}
	switch p.kind() {
	case StringComplete, StringLeftPiece:
		return p.extension(begin, d) // the word that extensions began with before version 0.23
	case LeftBrace:
		start := p.pos
		if !p.importList(s) {
			p.skipTo(start, false, NewLine)
		}
	case Asterisk:
		p.pos++
		start := p.pos
		if p.word("as") {
			s.Wildcard, _ = p.name("BCP351", "a namespace", NewLine)
		} else {
			p.skipTo(start, false, NewLine)
		}
	default:
		p.here("BCP350", "here should be a list of names in braces, or * as and a name")
		if k := p.kind(); k != NewLine && k != EndOfFile && k != Identifier {
			p.pos++
		}
	}
	start := p.pos
	if p.word("from") {
		s.From = p.pathString(false, "BCP097", "the path of the file to import from")
	} else {
		s.From = p.skipTo(start, false, NewLine)
	}
	s.Span = p.from(begin)
	return s
}

// importList reads { name, 'name' as name }.
func (p *parser) importList(s *Import) bool {
	if !p.char(LeftBrace, "{") {
		return false
	}
	p.elements(RightBrace, func() {
		begin := p.peek().Start
		item := ImportItem{}
		switch t := p.peek(); t.Kind {
		case Identifier:
			p.pos++
			item.Name = p.text(t)
			item.Alias = Name{t.Span, item.Name}
		case StringComplete:
			if text, ok := p.stringLiteral().(*String); ok && len(text.Parts) == 1 {
				item.Name = text.Parts[0]
			}
			if !p.isWord(p.peek(), "as") {
				p.report(p.from(begin), "BCP377", "a name in quotes needs as and a name for this file")
			}
		default:
			p.pos++
			p.report(p.from(begin), "BCP355", "here should be a name that the other file exports")
		}
		if p.isWord(p.peek(), "as") {
			p.pos++
			item.Alias, _ = p.name("BCP279", "what is imported", Comma, NewLine)
		}
		item.Span = p.from(begin)
		s.Items = append(s.Items, item)
	})
	return p.char(RightBrace, "}")
}

func (p *parser) using(begin int, d Decorators) Statement {
	s := &Using{Decorators: d}
	switch t := p.peek(); {
	case p.isWord(t, "none"):
		p.pos++
		s.None = true
	default:
		s.Path = p.pathString(false, "BCP259", "the path of the template, or the word none")
	}
	if k := p.kind(); k != NewLine && k != EndOfFile {
		start := p.pos
		s.Config = p.or(start, p.with(), false, NewLine)
	}
	s.Span = p.from(begin)
	return s
}

func (p *parser) extends(begin int, d Decorators) Statement {
	path := p.pathString(false, "BCP406", "the path of the parameter file to extend")
	return &Extends{p.from(begin), d, path}
}

func (p *parser) extensionConfig(begin int, d Decorators) Statement {
	name, silent := p.name("BCP202", "an extension", Identifier, NewLine)
	start := p.pos
	config := p.or(start, p.with(), silent, NewLine)
	return &ExtensionConfig{p.from(begin), d, name, config}
}
