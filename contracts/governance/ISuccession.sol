// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Successors of contracts
/// @notice No contract is changed. The council announces a successor, pinned by its code; each member accepts it, or does
/// not: until a member has accepted, its brokers read the contract that they pinned. Nothing here widens anything: the
/// old contract goes on as it is.
interface ISuccession {
    /// @notice A contract has a successor of this code.
    event SuccessorAnnounced(address indexed predecessor, address indexed successor, bytes32 codeHash);
    /// @notice From now on a member reads the successor.
    event SuccessorAccepted(bytes32 indexed member, address indexed predecessor, address indexed successor);

    /// @notice There is no code at the address.
    error SuccessorWithoutCode(address successor);
    /// @notice Another successor was announced, or none.
    error SuccessorNotAnnounced(address predecessor, address successor, address announced);
    /// @notice The successor's code is not the one announced.
    error SuccessorCodeChanged(address successor, bytes32 codeHash, bytes32 announced);
    /// @notice The account acts for no live member.
    error SuccessorMemberInvalid(address operator);

    /// @notice Announces a successor. The council's act.
    function announce(address predecessor, address successor) external;

    /// @notice Accepts, for the caller's live member, the successor that it names.
    function accept(address predecessor, address successor) external;

    /// @notice The successor announced for a contract and its code hash; zero if none.
    function successorOf(address predecessor) external view returns (address successor, bytes32 codeHash);

    /// @notice The successor that a member has accepted for a contract; zero if none.
    function acceptedBy(bytes32 member, address predecessor) external view returns (address);
}
