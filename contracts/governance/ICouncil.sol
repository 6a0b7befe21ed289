// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The three chambers.
enum Chamber {
    None,
    Providers,
    Regulators,
    Advocates
}

/// @notice Where an act stands.
enum ActState {
    None,
    Proposed,
    Scheduled,
    Done,
    Stopped
}

/// @notice A seat: an account that votes in a chamber.
struct Seat {
    address holder;
    Chamber chamber;
}

/// @notice What the council is about to do.
/// @param target The contract to be called.
/// @param state Where the act stands.
/// @param round The composition of the council that votes on it.
/// @param approvals Votes for it.
/// @param chambers Bit set of the chambers that have voted for it.
/// @param data What the contract is called with.
struct CouncilAct {
    address target;
    ActState state;
    uint32 round;
    uint16 approvals;
    uint8 chambers;
    bytes data;
}

/// @title The council
/// @notice Three chambers, who act together: M votes, at least one from each. An act goes through OpenZeppelin's
/// `AccessManager`, which says for each function whether the council may call it, and after which delay: suspending a
/// member takes none and happens with the last vote; what has a delay is scheduled, and any one chamber can stop it by
/// a majority of its seats until it is done.
///
/// Example: `propose(members, abi.encodeCall(IMemberRegistry.suspend, id))` and two votes from the other chambers
/// suspend a member at once. The same with `admit` schedules it; 14 days later anybody calls `perform`.
interface ICouncil {
    /// @notice An act was proposed; the proposer has voted for it.
    event ActProposed(uint256 indexed id, address indexed proposer, address target, bytes data);
    /// @notice A seat voted for an act.
    event ActApproved(uint256 indexed id, address indexed holder, Chamber chamber);
    /// @notice An act was carried and waits out its delay.
    event ActScheduled(uint256 indexed id, uint256 readyAt);
    /// @notice An act was done.
    event ActDone(uint256 indexed id);
    /// @notice A seat voted to stop an act.
    event ActObjected(uint256 indexed id, address indexed holder, Chamber chamber);
    /// @notice A chamber stopped an act.
    event ActStopped(uint256 indexed id, Chamber chamber);
    /// @notice An account has a seat in a chamber, or none.
    event SeatSet(address indexed holder, Chamber chamber);

    /// @notice The account has no seat.
    error CouncilSeatMissing(address account);
    /// @notice The account has a seat already.
    error CouncilSeatTaken(address account);
    /// @notice The account has voted so on this act.
    error CouncilVotedTwice(uint256 id, address account);
    /// @notice The act is not open to this in its state.
    error CouncilStateInvalid(uint256 id, ActState state);
    /// @notice The council has changed since the act was proposed.
    error CouncilRoundPassed(uint256 id, uint32 round, uint32 current);
    /// @notice The council may not call this function.
    error CouncilNotAuthorized(address target, bytes4 selector);
    /// @notice A chamber would be empty, or there would be fewer seats than votes needed.
    error CouncilTooSmall(Chamber chamber, uint256 seats, uint256 threshold);
    /// @notice The threshold is below three, or above the number of seats.
    error CouncilThresholdInvalid(uint256 threshold, uint256 seats);

    /// @notice Proposes an act and votes for it. Sent by a seat.
    function propose(address target, bytes calldata data) external returns (uint256 id);

    /// @notice Votes for an act; the last vote that is needed carries it. Sent by a seat.
    function approve(uint256 id) external;

    /// @notice Does an act whose delay is over. Sent by anybody.
    function perform(uint256 id) external;

    /// @notice Votes to stop an act that is not done. Sent by a seat.
    function stop(uint256 id) external;

    /// @notice Gives the caller's seat to its next key. Votes in progress begin anew.
    function rotate(address next) external;

    /// @notice Gives an account a seat, or takes it away. The council's own act.
    function setSeat(address holder, Chamber chamber) external;

    /// @notice An act, all zero if there is none.
    function actOf(uint256 id) external view returns (CouncilAct memory);

    /// @notice The chamber in which an account has a seat.
    function chamberOf(address holder) external view returns (Chamber);

    /// @notice How many seats a chamber has.
    function seatsOf(Chamber chamber) external view returns (uint256);
}
