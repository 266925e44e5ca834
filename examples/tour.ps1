#!/usr/bin/env pwsh
# A tenant, a vendor, a credential, a database: the whole story in PowerShell 7. Start the service first: make up
# The service's administrator file comes from the first argument, from TA_ADMINISTRATOR, or from where the service
# keeps it.
[CmdletBinding()]
param([string]$Administrator = $env:TA_ADMINISTRATOR)

$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest

if (-not $Administrator) {
    $share = if ($env:XDG_DATA_HOME) { $env:XDG_DATA_HOME } else { Join-Path $HOME '.local/share' }
    $folder = if ((id -u) -eq '0') { '/var/lib/tenant-api' } else { Join-Path $share 'tenant-api' }
    $Administrator = Join-Path $folder 'administrator.json'
}
$own = Get-Content -Raw -LiteralPath $Administrator | ConvertFrom-Json
$tenant = "Tour-$PID"

function Get-Token([string]$ClientId, [string]$ClientSecret) {
    $form = @{ grant_type = 'client_credentials'; client_id = $ClientId; client_secret = $ClientSecret }
    (Invoke-RestMethod -Method Post -Uri "$($own.url)/connect/token" -Body $form).access_token
}

$headers = @{ Authorization = "Bearer $(Get-Token $own.client_id $own.client_secret)"; Tenant = $tenant }

# One request. The answer's headers are left in $script:answered; a refusal throws.
function Invoke-Api([string]$Method, [string]$Path, [object]$Body = $null) {
    $request = @{
        Method = $Method; Uri = "$($own.url)$Path"; Headers = $headers; ResponseHeadersVariable = 'received'
    }
    if ($null -ne $Body) {
        $request.Body = $Body | ConvertTo-Json -Depth 5
        $request.ContentType = 'application/json'
    }
    $answer = Invoke-RestMethod @request
    $script:answered = $received
    Write-Host "$Method $Path"
    $answer
}

function Wait-JobEnd([string]$JobId) {
    do {
        Start-Sleep -Milliseconds 200
        $job = Invoke-RestMethod -Uri "$($own.url)/v3/jobs/$JobId" -Headers $headers
    } while ($job.status -in 'Pending', 'InProgress')
    Write-Host "Job ${JobId}: $($job.status)"
    if ($job.status -ne 'Completed') { throw $job.errorMessage }
}

# Waits until an identity provider that is not built in knows of the change; the built-in one knows at once.
function Wait-Settled {
    if ($answered.ContainsKey('Operation-Location')) {
        Wait-JobEnd (([string]$answered['Operation-Location']) -split '/')[-1]
    }
}

Invoke-Api Post '/v3/tenants' @{ name = $tenant } | Out-Null

Invoke-Api Post '/v3/vendors' @{
    company = 'Acme Learning'; contactName = 'Ada Lovelace'; contactEmailAddress = 'ada@acme.example'
    namespacePrefixes = 'uri://ed-fi.org,uri://acme.example'
} | Out-Null
$vendorId = [int](([string]$answered.Location) -split '/')[-1]

$application = @{
    applicationName = 'Roster sync'; vendorId = $vendorId; claimSetName = 'SISVendor'
    educationOrganizationIds = @(255901); dataStoreIds = @()
}
$credential = Invoke-Api Post '/v3/applications' $application
$application.id = $credential.id

# A database of its own, copied from the template Sample. The answer names the job that makes it.
$accepted = Invoke-Api Post '/v3/dataStores/manage' @{ name = 'Tour 2026'; databaseTemplate = 'Sample' }
Wait-JobEnd $accepted.jobId
$managed = Invoke-Api Get "/v3/dataStores/manage/$($accepted.id)"
$managed | Format-List id, name, status, databaseName, serverVersion, sizeBytes

$application.dataStoreIds = @($managed.dataStoreId)
Invoke-Api Put "/v3/applications/$($application.id)" $application | Out-Null
Wait-Settled

# A token with the application's own credential, and the claims in it.
$payload = (Get-Token $credential.key $credential.secret).Split('.')[1].Replace('-', '+').Replace('_', '/')
$payload = $payload.PadRight($payload.Length + (4 - $payload.Length % 4) % 4, '=')
[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($payload)) | ConvertFrom-Json | Format-List

(Invoke-Api Get "/v3/dataStores/manage/$($accepted.id)/health") | Format-List

# What a data plane reads. The connection string is encrypted with the key that it shares with the service.
(Invoke-Api Get "/v3/dataStores/$($managed.dataStoreId)") | Format-List id, name, dataStoreType

$application.dataStoreIds = @()
Invoke-Api Put "/v3/applications/$($application.id)" $application | Out-Null
Wait-Settled
Wait-JobEnd (Invoke-Api Delete "/v3/dataStores/manage/$($accepted.id)").jobId
(Invoke-Api Get "/v3/dataStores/manage/$($accepted.id)") | Format-List id, name, status
'The tour is over.'
