import SluiceWire

/// Returns what `--version` of each program prints: the version of Sluice and the commit that the program was built from.
package func buildVersion() -> String { "\(SluiceVersion.number) (\(commitDescription()))" }
