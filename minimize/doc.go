// SPDX-License-Identifier: Apache-2.0

// Package minimize finds the smallest grants that give what is needed.
//
// A [Problem] is a list of needs (an operation at a scope), the roles that may be given,
// and what is given today. A proposal covers every need and costs least: it costs what
// the grants give together, each operation weighed and counted over the resources that it
// reaches, a little for each grant, and more for a role that is made for another product.
// What two grants give alike counts once.
//
// The search is exact. Roles are compared once ([NewRoles]). Candidates, roles at scopes,
// are left out where another covers as much and gives no more, or where they cost more than
// a proposal at hand; what is left is divided into parts that have nothing to do with each
// other. Each is cut into cells, rights that the same candidates give, and searched by
// branch and bound with a bound from the dual of the linear program. It says whether it
// went to its end; where it did not, it gives the best that was found and a proven lower
// bound. The package reads nothing and has no clock: what a search takes is counted in
// steps, so that the same problem always has the same answer.
package minimize
