// The types of other modules that the API of this library uses.
@_exported public import enum SluiceRuntime.ArmListBuilder
@_exported public import enum SluiceRuntime.SelectOrder
@_exported public import struct SluiceRuntime.SluiceError
@_exported public import enum SluiceWire.ChannelDeclaration
@_exported public import struct SluiceWire.ChannelReport
@_exported public import struct SluiceWire.ChannelsReport
@_exported public import struct SluiceWire.ClientReport
@_exported public import struct SluiceWire.ClientsReport
@_exported public import struct SluiceWire.HandoffReport
@_exported public import enum SluiceWire.Overflow
@_exported public import struct SluiceWire.ProcessReport
@_exported public import struct SluiceWire.ServerReport
@_exported public import struct SluiceWire.StuckReport
@_exported public import struct SluiceWire.WaitCycle
@_exported public import struct SluiceWire.WaitStep
@_exported public import struct SluiceWire.WaiterReport
@_exported public import struct SluiceWire.WaitersReport
