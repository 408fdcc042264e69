// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"maps"
	"strings"
)

// functionTable holds the functions by name
// (MicrosoftDocs/azure-docs articles/azure-resource-manager/templates/template-functions.md).
var functionTable = withLower(map[string]*function{
	// array, object
	"array":           {min: 1, max: 1, aware: arrayOf},
	"coalesce":        {min: 1, max: -1, lazy: coalesce},
	"concat":          {min: 0, max: -1, aware: concat},
	"contains":        {min: 2, max: 2, aware: contains},
	"createArray":     {min: 0, max: -1, aware: createArray},
	"createObject":    {min: 0, max: -1, aware: createObject},
	"empty":           {min: 1, max: 1, aware: empty},
	"first":           {min: 1, max: 1, aware: first},
	"flatten":         {min: 1, max: 1, aware: flatten},
	"indexOf":         {min: 2, max: 2, result: KindInt, plain: indexOf},
	"indexFromEnd":    {min: 2, max: 2, aware: indexFromEnd},
	"intersection":    {min: 2, max: -1, result: KindAny, plain: intersection},
	"items":           {min: 1, max: 1, aware: itemsOf},
	"json":            {min: 1, max: 1, result: KindAny, plain: parseJSON},
	"last":            {min: 1, max: 1, aware: last},
	"lastIndexOf":     {min: 2, max: 2, result: KindInt, plain: lastIndexOf},
	"length":          {min: 1, max: 1, aware: length},
	"max":             {min: 1, max: -1, result: KindInt, plain: maxOf},
	"min":             {min: 1, max: -1, result: KindInt, plain: minOf},
	"null":            {min: 0, max: 0, plain: func(*call) (Value, error) { return Null{}, nil }},
	"objectKeys":      {min: 1, max: 1, aware: objectKeys},
	"range":           {min: 2, max: 2, result: KindArray, plain: rangeOf},
	"shallowMerge":    {min: 1, max: 1, aware: shallowMerge},
	"skip":            {min: 2, max: 2, aware: skip},
	"take":            {min: 2, max: 2, aware: take},
	"tryGet":          {min: 2, max: -1, aware: tryGet},
	"tryIndexFromEnd": {min: 2, max: 2, aware: tryIndexFromEnd},
	"union":           {min: 1, max: -1, aware: union},

	// lambda
	"filter":          {min: 2, max: 2, lazy: filter},
	"groupBy":         {min: 2, max: 2, lazy: groupBy},
	"lambda":          {min: 1, max: -1, lazy: misplacedLambda},
	"lambdaVariables": {min: 1, max: 1, plain: lambdaVariables},
	"map":             {min: 2, max: 2, lazy: mapOf},
	"mapValues":       {min: 2, max: 2, lazy: mapValues},
	"reduce":          {min: 3, max: 3, lazy: reduce},
	"sort":            {min: 2, max: 2, lazy: sortOf},
	"toObject":        {min: 2, max: 3, lazy: toObject},

	// comparison, logic
	"and":             {min: 2, max: -1, lazy: and},
	"bool":            {min: 1, max: 1, result: KindBool, plain: boolOf},
	"equals":          {min: 2, max: 2, aware: equals},
	"false":           {min: 0, max: 0, plain: func(*call) (Value, error) { return Bool(false), nil }},
	"greater":         {min: 2, max: 2, result: KindBool, plain: greater},
	"greaterOrEquals": {min: 2, max: 2, result: KindBool, plain: greaterOrEquals},
	"if":              {min: 3, max: 3, lazy: ifOf},
	"less":            {min: 2, max: 2, result: KindBool, plain: less},
	"lessOrEquals":    {min: 2, max: 2, result: KindBool, plain: lessOrEquals},
	"not":             {min: 1, max: 1, aware: not},
	"or":              {min: 2, max: -1, lazy: or},
	"true":            {min: 0, max: 0, plain: func(*call) (Value, error) { return Bool(true), nil }},

	// date
	"dateTimeAdd":       {min: 2, max: 3, result: KindString, plain: dateTimeAdd},
	"dateTimeFromEpoch": {min: 1, max: 1, result: KindString, plain: dateTimeFromEpoch},
	"dateTimeToEpoch":   {min: 1, max: 1, result: KindInt, plain: dateTimeToEpoch},
	"utcNow":            {min: 0, max: 1, aware: utcNow},

	// numeric
	"add":       {min: 2, max: 2, result: KindInt, plain: add},
	"copyIndex": {min: 0, max: 2, lazy: copyIndex},
	"div":       {min: 2, max: 2, result: KindInt, plain: div},
	"float":     {min: 1, max: 1, result: KindFloat, plain: floatOf},
	"int":       {min: 1, max: 1, result: KindInt, plain: intOf},
	"mod":       {min: 2, max: 2, result: KindInt, plain: mod},
	"mul":       {min: 2, max: 2, result: KindInt, plain: mul},
	"sub":       {min: 2, max: 2, result: KindInt, plain: sub},

	// string
	"base64":               {min: 1, max: 1, result: KindString, plain: base64Of},
	"base64ToJson":         {min: 1, max: 1, result: KindAny, plain: base64ToJSON},
	"base64ToString":       {min: 1, max: 1, result: KindString, plain: base64ToString},
	"dataUri":              {min: 1, max: 1, result: KindString, plain: dataURI},
	"dataUriToString":      {min: 1, max: 1, result: KindString, plain: dataURIToString},
	"endsWith":             {min: 2, max: 2, result: KindBool, plain: endsWith},
	"format":               {min: 1, max: -1, aware: format},
	"guid":                 {min: 1, max: -1, aware: guidOf},
	"join":                 {min: 2, max: 2, aware: join},
	"newGuid":              {min: 0, max: 0, plain: newGUID},
	"padLeft":              {min: 2, max: 3, result: KindString, plain: padLeft},
	"replace":              {min: 3, max: 3, result: KindString, plain: replace},
	"split":                {min: 2, max: 2, aware: split},
	"startsWith":           {min: 2, max: 2, aware: startsWith},
	"string":               {min: 1, max: 1, aware: stringOf},
	"substring":            {min: 2, max: 3, result: KindString, plain: substring},
	"toLower":              {min: 1, max: 1, aware: toLower},
	"toUpper":              {min: 1, max: 1, aware: toUpper},
	"trim":                 {min: 1, max: 1, result: KindString, plain: trim},
	"uniqueString":         {min: 1, max: -1, aware: uniqueStringOf},
	"uri":                  {min: 2, max: 2, aware: uri},
	"uriComponent":         {min: 1, max: 1, result: KindString, plain: uriComponent},
	"uriComponentToString": {min: 1, max: 1, result: KindString, plain: uriComponentToString},
	"buildUri":             {min: 1, max: 1, result: KindString, plain: buildURI},
	"parseUri":             {min: 1, max: 1, result: KindObject, plain: parseURI},

	// CIDR
	"cidrHost":   {min: 2, max: 2, result: KindString, plain: cidrHost},
	"cidrSubnet": {min: 3, max: 3, result: KindString, plain: cidrSubnet},
	"parseCidr":  {min: 1, max: 1, result: KindObject, plain: parseCIDR},

	// scope, deployment
	"deployer":        {min: 0, max: 0, plain: deployer},
	"deployment":      {min: 0, max: 0, plain: deployment},
	"environment":     {min: 0, max: 0, plain: environment},
	"managementGroup": {min: 0, max: 0, plain: managementGroup},
	"resourceGroup":   {min: 0, max: 0, plain: resourceGroup},
	"subscription":    {min: 0, max: 0, plain: subscription},
	"tenant":          {min: 0, max: 0, plain: tenant},
	"parameters":      {min: 1, max: 1, lazy: parameters},
	"variables":       {min: 1, max: 1, lazy: variables},

	// resource
	"extensionResourceId":       {min: 3, max: -1, aware: extensionResourceID},
	"list*":                     {min: 1, max: 3, aware: listOf},
	"managementGroupResourceId": {min: 2, max: -1, aware: managementGroupResourceID},
	"pickZones":                 {min: 3, max: 5, aware: deploymentTime(KindArray)},
	"providers":                 {min: 1, max: 2, aware: deploymentTime(KindObject)},
	"reference":                 {min: 1, max: 3, aware: reference},
	"references":                {min: 1, max: 2, aware: references},
	"resourceId":                {min: 2, max: -1, aware: resourceIDFunction},
	"resourceInfo":              {min: 1, max: 1, aware: resourceInfo},
	"subscriptionResourceId":    {min: 2, max: -1, aware: subscriptionResourceID},
	"tenantResourceId":          {min: 2, max: -1, aware: tenantResourceID},
	"toLogicalZone":             {min: 3, max: 3, aware: deploymentTime(KindString)},
	"toLogicalZones":            {min: 3, max: 3, aware: deploymentTime(KindArray)},
	"toPhysicalZone":            {min: 3, max: 3, aware: deploymentTime(KindString)},
	"toPhysicalZones":           {min: 3, max: 3, aware: deploymentTime(KindArray)},

	// others
	"any":           {min: 1, max: 1, aware: func(c *call) (Value, error) { return c.args[0], nil }},
	"externalInput": {min: 1, max: 2, aware: externalInput},
	"fail":          {min: 1, max: 1, result: KindAny, plain: fail},
})

// withLower adds each name in lower case, since names are found in any case.
func withLower(m map[string]*function) map[string]*function {
	for name, f := range maps.Clone(m) {
		f.name = name
		m[strings.ToLower(name)] = f
	}
	return m
}
