// SPDX-License-Identifier: Apache-2.0

package abac

// Truth is a value of three-valued logic as defined by Kleene. The zero Truth is Unknown,
// so a value that was never set is never taken for an answer.
type Truth uint8

// The three values.
const (
	Unknown Truth = iota // the run does not know
	False
	True
)

var truthNames = [...]string{"unknown", "false", "true"}

// String returns "unknown", "false" or "true".
func (t Truth) String() string {
	if int(t) < len(truthNames) {
		return truthNames[t]
	}
	return "invalid"
}

// TruthOf returns True or False.
func TruthOf(b bool) Truth {
	if b {
		return True
	}
	return False
}

// Not returns the negation; the negation of Unknown is Unknown.
func (t Truth) Not() Truth {
	switch t {
	case True:
		return False
	case False:
		return True
	default:
		return Unknown
	}
}

// And returns False if either is False, else Unknown if either is Unknown, else True.
func (t Truth) And(o Truth) Truth {
	switch {
	case t == False || o == False:
		return False
	case t == True && o == True:
		return True
	default:
		return Unknown
	}
}

// Or returns True if either is True, else Unknown if either is Unknown, else False.
func (t Truth) Or(o Truth) Truth {
	switch {
	case t == True || o == True:
		return True
	case t == False && o == False:
		return False
	default:
		return Unknown
	}
}
