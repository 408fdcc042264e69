// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/mivet/mivet/catalog"

// What the data was taken from. NOTICE carries the notices; a test compares.
const (
	ownLicense = "Apache-2.0"

	noticeMcKay     = "Copyright (c) 2021 Ian Mckay"
	noticeFernando  = "Copyright (c) 2023 Merill Fernando"
	noticeNaunheim  = "Copyright (c) 2024 Thomas Naunheim"
	noticeMicrosoft = "Copyright (c) Microsoft Corporation"

	privilegedIAM = "Cloud-Architekt/AzurePrivilegedIAM@f14538fd3a19497fa30f980d35e3456a202d01d4"
)

var (
	builtInRoles = catalog.TableSource{
		Source: "iann0036/iam-dataset@2073fa52ac008a45477aa0b1b4580cd99135bf60 azure/built-in-roles-raw.json",
		Date:   "2026-08-22", License: "MIT", Notice: noticeMcKay,
	}
	privilegedRoles = catalog.TableSource{
		Source: privilegedIAM + " isPrivileged of built-in roles",
		Date:   "2026-08-21", License: "MIT", Notice: noticeNaunheim,
	}
	restMap = catalog.TableSource{
		Source: "iann0036/iam-dataset@ea9a1ad807920a889c98f69c6d7d0ca6aa434366 azure/map.json",
		Date:   "2026-06-14", License: "MIT", Notice: noticeMcKay,
	}
	privilegedList = catalog.TableSource{
		Source: privilegedIAM + " PrivilegedOperations/ArmApiRequest.csv",
		Date:   "2026-08-21", License: "MIT", Notice: noticeNaunheim,
	}
	bicepTypes = catalog.TableSource{
		Source: "Azure/bicep-types-az@1f896de2db966ad91e8f7d7d981e11d32e4f5d8d generated/**/types.json",
		Date:   "2026-08-20", License: "MIT", Notice: noticeMicrosoft,
	}
	namesSeen = catalog.TableSource{
		Source: "names of operations in public documentation and policies", Date: "2026-08-22", License: ownLicense,
	}
	ownBypasses = catalog.TableSource{
		Source: "our own reading of the services' documentation", Date: "2026-08-22", License: ownLicense,
	}
	directoryTiers = catalog.TableSource{
		Source: privilegedIAM + " Classification/Classification_EntraIdDirectoryRoles.json",
		Date:   "2026-08-21", License: "MIT", Notice: noticeNaunheim,
	}
	graphRoles = catalog.TableSource{
		Source: "merill/microsoft-info@43b8a5d9fb6648f3ef36ec051acd988fdd19558b _info/GraphAppRoles.json",
		Date:   "2026-08-20", License: "MIT", Notice: noticeFernando,
	}
	appRoleTiers = catalog.TableSource{
		Source: privilegedIAM + " Classification/Classification_AppRoles.json",
		Date:   "2026-08-21", License: "MIT", Notice: noticeNaunheim,
	}
	ownDangerous = catalog.TableSource{
		Source: "our own selection and reasons", Date: "2026-08-20", License: ownLicense,
	}
	hsmMatrix = catalog.TableSource{
		Source: "MicrosoftDocs/azure-security-docs@1c4310bed2b90b37d9500bd26dc00a314becfa9f articles/key-vault/managed-hsm/built-in-roles.md",
		Date:   "2025-11-19", License: "CC-BY-4.0", Notice: noticeMicrosoft,
	}
	publishers = catalog.TableSource{
		Source: "identifiers and titles of the frameworks' publishers, each named in the table", License: ownLicense,
	}
	ownMapping = catalog.TableSource{Source: "our own judgement", License: ownLicense}
)

// tables lists what is generated, in the order of the manifest.
var tables = []table{
	{"roles", roleColumns, sources(builtInRoles, privilegedRoles), roleRows},
	{"operations", "operation\tfacts", sources(builtInRoles, restMap, privilegedList, bicepTypes, namesSeen), operationRows},
	{"request-exceptions", "method\tpath\tactions", sources(restMap), requestRows},
	{"resource-types", "type\tlatest\tlatestStable\tcarries\tidentityTypes\tfunctions", sources(bicepTypes), typeRows},
	{"auth-switches", "type\tproperty\tapiVersion", sources(bicepTypes), switchRows},
	{"key-bypasses", "action\tservice\tresourceType\tkind\tyields\tnote\tclosedOn\tproperty\ttest\tvalue", sources(ownBypasses), bypassRows},
	{"directory-roles", "id\tname\tprivileged\ttier\tcategories", sources(directoryTiers), directoryRows},
	{"app-roles", "api\tid\tvalue\tname\tdisabled\ttier", sources(graphRoles, appRoleTiers), appRoleRows},
	{"dangerous-app-roles", "id\tvalue\tname\tclass\twhy", sources(ownDangerous, graphRoles), dangerousRows},
	{"managed-hsm-roles", "id\tname\tdataActions", sources(hsmMatrix), hsmRows},
	{"framework-controls", "framework\tname\tsource\tid\ttitle", sources(publishers), frameworkRows},
	{"finding-classes", "class\tcontrols\tnote", sources(ownMapping), classRows},
	{"csf-successors", "old\tnew\tconfirmed", sources(ownMapping), successionRows},
}

func sources(s ...catalog.TableSource) []catalog.TableSource { return s }
