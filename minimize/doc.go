// SPDX-License-Identifier: Apache-2.0

// Package minimize finds the smallest grants that give what is needed.
//
// A [Problem] is a list of needs (an operation at a scope), the roles that may be given,
// and what is given today. A proposal covers every need and costs least: it costs what
// the grants give together beyond nothing, each operation weighed and counted over the
// resources that it reaches, and a little for each grant. What two grants give alike
// counts once.
//
// The search is exact: branch and bound over pairs of a role and a scope. It says whether
// it went to its end; where it did not, it gives the best that was found and a proven
// lower bound. The package reads nothing and has no clock.
package minimize
